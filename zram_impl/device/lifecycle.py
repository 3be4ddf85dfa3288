"""The life cycle of a device.

    made -> algorithms, backing device -> initialise -> use -> reset -> again, or close

Kernel: disksize_store(), reset_store(), zram_reset_device().
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EINVAL, ENOMEM
from types import TracebackType
from typing import Self

from zram_impl.device.config import Configuration
from zram_impl.errors import ZramError, refuse
from zram_impl.pages.initialised import Disk
from zram_impl.pages.observed import ObservedDisk
from zram_impl.parsing import kstrto
from zram_impl.shield import Interrupts
from zram_impl.table.slot_table import SlotTable
from zram_impl.units import PAGE_SHIFT, PAGE_SIZE


def pages_of(size: int | str) -> int:
    """Return how many pages a device of `size` has; EINVAL for a bad size."""
    size_bytes = kstrto.size_of(size)
    if size_bytes < 1:
        raise refuse(EINVAL, f"disksize {size_bytes} is below 1 byte")
    return (size_bytes + PAGE_SIZE - 1) >> PAGE_SHIFT


@contextmanager
def _table_of(pages: int, size: int | str) -> Iterator[None]:
    """Turn a lack of memory into ENOMEM."""
    try:
        yield
    except (MemoryError, OverflowError) as error:
        raise refuse(ENOMEM, f"disksize {size}: no memory for a table of {pages} slots") from error


def check_fits(size: int | str) -> None:
    """Refuse a size that is none, or whose slot table does not fit into memory, before anything is made for it."""
    pages = pages_of(size)
    with _table_of(pages, size):
        SlotTable(pages)


class Lifecycle(Configuration):
    """A device that begins and ends its use."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def initialise(self, size: int | str) -> None:
        """Give the device its size and begin its use.

        Raises:
            ZramError: EINVAL for a bad size or for parameters that an algorithm cannot work with, EBUSY when
                initialised already, ENOMEM when the table does not fit, EOPNOTSUPP (with a quirk) for a dictionary.
        """
        pages = pages_of(size)
        self._runtime.shielded(lambda _interrupts: self._initialise(pages, size))

    def _initialise(self, pages: int, size: int | str) -> None:
        with self._control:
            self._refuse_initialised("disksize")
            try:
                comps = self._algorithms.make(dictionaries_as_driver=self.quirks.dictionaries_limited)
            except ZramError:
                check_fits(size)  # a lack of memory is found first
                if self.quirks.algorithms_reset_by_refusal:
                    self._algorithms.reset()
                raise
            # Not `self`: what the disk refers to must not keep a device alive that nobody holds.
            make_engine, runtime = self._make_engine, self._runtime
            kind = Disk if self._observer is None else ObservedDisk
            with _table_of(pages, size):
                self._disk = kind(
                    pages,
                    comps,
                    self._table,
                    self._budget,
                    runtime=self._runtime,
                    quirks=self.quirks,
                    observer=self._observer,
                    backing=self._backing,
                    make_engine=lambda backing: make_engine(backing, runtime),
                    limit_pages=self._limit_pages,
                    compressed_writeback=self._compressed_writeback,
                )
            self._held.disk = self._disk

    def reset(self) -> None:
        """Forget pages, size, backing device, memory limit and algorithms. A running pass is driven to its end.

        Raises:
            ZramError: EBUSY while the node is open, or while another reset is under way.
        """
        self._runtime.shielded(self._reset)

    def _reset(self, interrupts: Interrupts) -> None:
        with self.openers.shut_out(), self._control:
            self._let_go(interrupts)
            self._limit_pages = 0
            self._algorithms.reset()
            with self._table:
                if not self.quirks.limit_survives_reset:
                    self._budget.store(0)
                    self._budget.enabled = False
                self._observe("reset")

    def close(self) -> None:
        """Give everything back: memory, threads, the backing device. Idempotent; never raises for a failing device."""
        self._runtime.shielded(self._close)

    def _close(self, interrupts: Interrupts) -> None:
        with self._control:
            self._let_go(interrupts)

    def _let_go(self, interrupts: Interrupts) -> None:
        """Close what there is; the control lock is held."""
        try:
            if self._disk is not None:
                self._disk.close(interrupts)
            elif self._backing is not None:
                with suppress(OSError):
                    self._backing.close()
        except AssertionError:  # everything is closed, and what was found meanwhile is told
            self._disk = self._backing = None
            self._held.released()
            raise
        self._disk = self._backing = None
        self._held.released()
