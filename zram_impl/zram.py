"""The public class: a device and all that can be asked of it, in the order in which it is used.

It has a configuration, and once it is initialised pages and passes; `device.lifecycle` holds them together.
"""

import os
from collections.abc import Callable, Iterable
from errno import EINVAL
from threading import Event
from typing import Final, Literal, Self, Unpack

from zram_impl.bdev.device import BackingDevice
from zram_impl.compression.algorithms import DEFAULT_ALGORITHM
from zram_impl.device.algorithm_settings import checked_params, known, secondary
from zram_impl.device.config import READ_AHEAD, READ_AHEAD_MAX, Configuration, Hooks, ReadCache
from zram_impl.device.lifecycle import Lifecycle, check_fits
from zram_impl.device.passes import Passes
from zram_impl.device.settings import DeviceSettings
from zram_impl.device.snapshot import SlotView, Snapshot, block_state, slot, snapshot
from zram_impl.errors import Uncopied, refuse, shown
from zram_impl.pages import byte_io
from zram_impl.pages.byte_io import Buffer, WritableBuffer
from zram_impl.pages.stats import Stats
from zram_impl.parsing import kstrto
from zram_impl.parsing.algorithm_args import PRIMARY, SECONDARY
from zram_impl.parsing.ranges import recompression_of, scans_for
from zram_impl.parsing.recompress_args import RecompressRequest
from zram_impl.parsing.writeback_args import Scan
from zram_impl.passes.drive import check_watchers, drive, end_pass
from zram_impl.passes.recompress import RecompressPass
from zram_impl.passes.writeback import WritebackPass
from zram_impl.policy.coldest import ColdestFirst
from zram_impl.policy.keeper import WRITERS_WAIT, Keeper, checked
from zram_impl.policy.protocol import MemoryPolicy
from zram_impl.result import RecompressResult, WritebackResult
from zram_impl.sysfs import Attributes
from zram_impl.units import DEFAULT_BATCH_SIZE, PAGE_SHIFT, PAGE_SIZE

WritebackMode = Literal["idle", "huge", "huge_idle", "incompressible"]
RecompressionMode = Literal["idle", "huge", "huge_idle"]


class Zram(Uncopied, DeviceSettings):
    """A compressed block device in memory that can write pages back to a backing device.

    All calls may be made from any thread. A refused call raises `ZramError` with the driver's errno and leaves the
    device as it was. Use it as a context manager, or close it.
    """

    def __init__(self, **hooks: Unpack[Hooks]) -> None:
        """Make a device that is not initialised, as hot_add does; its hooks are those of `Hooks`, by keyword."""
        self._configuration = Configuration(**hooks)
        self._life = Lifecycle(self._configuration)
        self.quirks: Final = self._configuration.quirks
        self.runtime: Final = self._configuration.runtime
        self.openers: Final = self._life.openers
        """The opens of the device's node."""

    @classmethod
    def create(
        cls,
        size: int | str,
        *,
        backing: str | os.PathLike[str] | BackingDevice | None = None,
        backing_size: int | str | None = None,
        algorithm: str = DEFAULT_ALGORITHM,
        batch_size: int = DEFAULT_BATCH_SIZE,
        **hooks: Unpack[Hooks],
    ) -> Self:
        """Make and initialise a device; after an error nothing is left open or behind.

        Args:
            size: Bytes, or text with K, M, G; rounded up to whole pages.
            backing: Path of the backing file or block device, or an object that is one. Its contents are overwritten.
                A missing file is made with `backing_size`; an existing one is never truncated or extended.
            backing_size: Bytes of it to use. Without it all of an existing one is used.
            algorithm: Name of the compressor.
            batch_size: Write requests in flight during writeback.
        """
        check_fits(size)  # refused before a file is made
        if backing is None and backing_size is not None:
            raise refuse(EINVAL, f"backing_size must be None without backing, got {shown(backing_size)}")
        dev = cls(**hooks)

        def make(_interrupts: object) -> None:
            try:
                dev.set_algorithm(algorithm)
                dev.set_batch_size(batch_size)
                if backing is not None:
                    dev.set_backing(backing, backing_size)
                dev.initialise(size)
            except BaseException:
                dev.close()
                raise

        dev.runtime.shielded(make, lambda _: dev.close())
        return dev

    # --- configuration ---------------------------------------------------------------------------------------------

    def set_algorithm(self, name: str) -> None:
        """Choose the compressor, and drop its parameters; EINVAL for an unknown name, EBUSY once initialised."""
        known(name)
        self._life.configure("comp_algorithm", lambda it: it.choose_algorithm(name, PRIMARY))

    def set_recomp_algorithm(self, name: str, priority: int = SECONDARY) -> None:
        """Choose what recompresses pages of a priority below `priority`, which is 1 to 3; else as `set_algorithm`."""
        secondary(priority)
        known(name)
        self._life.configure("recomp_algorithm", lambda it: it.choose_algorithm(name, priority))

    def set_algorithm_params(
        self,
        priority: int | None = None,
        algorithm: str | None = None,
        *,
        level: int | None = None,
        dictionary: bytes | str | os.PathLike[str] | None = None,
        winbits: int | None = None,
    ) -> None:
        """Set an algorithm's parameters; whether it works with them is found out when the device is initialised.

        Earlier ones are dropped, even when the dictionary cannot be read. EBUSY once initialised.

        Args:
            priority: Priority of the algorithm, 0 to 3; or
            algorithm: the name of one that is configured. Without either, the compressor.
            level: As the algorithm counts levels.
            dictionary: Typical contents of pages: bytes, or the path of a file of them.
            winbits: Window of deflate.
        """
        wanted = checked_params(level, dictionary, winbits)
        self._life.configure("algorithm_params", lambda it: it.take_params(priority, algorithm, wanted))

    def set_backing(self, backing: str | os.PathLike[str] | BackingDevice, size: int | str | None = None) -> None:
        """Take a backing device and close the one before; EBUSY once initialised, or when somebody uses it.

        `backing` is the path of a file or block device, or an object with the protocol of `bdev.device`, which is
        closed; `size` is the bytes to use of what a path names, and to make a missing file with.
        """
        self._life.set_backing(backing, size)

    def set_backing_path(self, path: str) -> None:
        """Take the backing device that a store to backing_dev names; a missing file is ENOENT, not created."""
        if not self.pages:
            self._configuration.check_named(path)
        self.set_backing(path)

    def set_batch_size(self, requests: int) -> None:
        """Set how many requests the next pass keeps in flight; EINVAL below 1."""
        self._life.set_batch_size(kstrto.whole(requests, "writeback_batch_size", 1, kstrto.U32_MAX))

    def set_compressed_writeback(self, compressed: bool) -> None:
        """Write objects back as they are instead of pages, or not; EBUSY once initialised."""
        whether = kstrto.truth(compressed, "compressed_writeback")
        self._life.configure("compressed_writeback", lambda it: it.set_compressed_writeback(whether))

    def set_mem_limit(self, size: int | str) -> None:
        """Let objects have at most `size` bytes, rounded up to pages, 0 is no limit; a write beyond it is ENOMEM."""
        self._life.set_mem_limit(kstrto.page_align(kstrto.size_of(size)) >> PAGE_SHIFT)

    def set_read_cache(self, size: int | str, *, ahead: int = READ_AHEAD) -> None:
        """Keep up to `size` bytes of written-back pages that are read, at least a page; 0, the default, keeps nothing.

        A read that continues an earlier one reads up to `ahead` pages whose blocks are close together; 1 does not.
        """
        pages = kstrto.page_align(kstrto.size_of(size)) >> PAGE_SHIFT
        self._life.set_read_cache(ReadCache(pages, kstrto.whole(ahead, "ahead", 1, READ_AHEAD_MAX)))

    def reset_mem_used_max(self) -> None:
        """Begin anew to note how much memory was used at most."""
        self._life.reset_mem_used_max()

    def set_writeback_limit(self, blocks: int) -> None:
        """Store the budget, in blocks of 4 KiB; what is in flight is not refunded to it."""
        self._life.store_limit(kstrto.whole(blocks, "writeback_limit", 0, kstrto.U64_MAX))

    def enable_writeback_limit(self, enabled: bool) -> None:
        """Make the budget count, or not; its value stays."""
        self._life.enable_limit(kstrto.truth(enabled, "writeback_limit_enable"))

    # --- begin and end of use --------------------------------------------------------------------------------------

    def initialise(self, size: int | str) -> None:
        """Give the device its size and begin its use; EBUSY once initialised, ENOMEM when the table does not fit."""
        self._life.initialise(size)

    def reset(self) -> None:
        """Forget pages, size, backing device and settings, once a pass has ended; EBUSY while the node is open."""
        self._life.reset()

    def close(self) -> None:
        """Give everything back: memory, threads, the backing device. Idempotent; never raises for a failing device."""
        self._life.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def __repr__(self) -> str:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        backing = "" if self.backing_name is None else f", backed by {self.backing_name}"
        return f"<Zram of {self.pages} pages, {self.algorithm}{backing}>"

    # --- pages and bytes -------------------------------------------------------------------------------------------

    def read_page(self, index: int) -> bytes:
        """Return page `index`; EINVAL when there is no such page, EIO when the backing device fails."""
        pages = self._life.pages
        try:
            return (pages if pages is not None else self._life.live().pages).read_page(index)
        except TypeError as error:
            raise byte_io.wrong_index(index, error) from error

    def write_page(self, index: int, page: Buffer) -> None:
        """Store page `index` from PAGE_SIZE bytes; EINVAL for any other index or length."""
        if type(page) is not bytes or len(page) != PAGE_SIZE:
            page = byte_io.whole_page(page)
        pages = self._life.pages
        try:
            (pages if pages is not None else self._life.live().pages).write_page(index, page)
        except TypeError as error:
            raise byte_io.wrong_index(index, error) from error

    def read_pages_into(self, start: int, buffer: WritableBuffer) -> None:
        """Fill `buffer`, whole pages, from page `start`."""
        byte_io.read_pages_into(self._life.live().pages, start, buffer)

    def write_pages(self, start: int, buffer: Buffer) -> None:
        """Store whole pages from page `start`; each page is stored atomically."""
        byte_io.write_pages(self._life.live().pages, start, buffer)

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from byte `offset`; EINVAL when they are not all on the device."""
        return byte_io.read(self._life.live().pages, offset, length)

    def write(self, offset: int, data: Buffer) -> None:
        """Store bytes from `offset`; each page is changed atomically, the call as a whole is not."""
        byte_io.write(self._life.live().pages, offset, data)

    def discard(self, offset: int, length: int) -> None:
        """Free the whole pages within the range; a part of a page at either end is left alone, as the driver does."""
        byte_io.discard(self._life.live().pages, offset, length)

    def write_zeroes(self, offset: int, length: int) -> None:
        """Make the range read as zeros: whole pages are freed, parts of pages are zeroed."""
        byte_io.write_zeroes(self._life.live().pages, offset, length)

    def slot_free_notify(self, index: int) -> None:
        """Free page `index`, which swap needs no more; the driver, which must not wait there, may leave it alone."""
        byte_io.free_page(self._life.live().pages, index)

    # --- writeback, recompression, compaction ----------------------------------------------------------------------

    def mark_idle(self, *, age_seconds: int | None = None) -> None:
        """Mark every page in memory idle; any access takes the mark off.

        With `age_seconds`, mark only pages not read or written for that long, in whole seconds, and take the mark off
        all others; when the clock itself is no older, nothing is marked or unmarked.
        """
        self._life.mark_idle(age_seconds)

    def writeback(
        self,
        mode: WritebackMode | None = None,
        *,
        pages: Iterable[int] | None = None,
        ranges: Iterable[tuple[int, int]] | None = None,
        scans: list[Scan] | None = None,
        progress: Callable[[int, int], None] | None = None,
        cancel: Event | None = None,
    ) -> WritebackResult:
        """Write pages back and free their memory; return what became of each.

        Args:
            mode: "idle", "huge", "huge_idle" or "incompressible"; or, instead,
            pages: page numbers, and
            ranges: (first, last) pairs of page numbers, both included; or
            scans: several modes, each over a part of the device.
            progress: Called with pages settled and pages selected, from the thread that drives the pass.
            cancel: Set it to submit nothing more; what is in flight is finished.

        Raises:
            ZramError: Nothing started: EINVAL (bad arguments, not initialised), ENODEV, ENOMEM (no memory for a single
                request), EAGAIN (another pass runs).
            KeyboardInterrupt: After what was in flight is finished; a second one does not wait for a hung device.
        """
        check_watchers(progress, cancel)
        begin = self._life.writeback(lambda size: scans_for(size, mode, pages, ranges, scans))
        return drive(begin, self.runtime, progress, cancel)

    def begin_writeback(
        self,
        mode: WritebackMode | None = None,
        *,
        pages: Iterable[int] | None = None,
        ranges: Iterable[tuple[int, int]] | None = None,
        scans: list[Scan] | None = None,
    ) -> WritebackPass:
        """Begin a pass for the caller to drive with `advance` and `wait`; raises as `writeback` does."""
        begin = self._life.writeback(lambda size: scans_for(size, mode, pages, ranges, scans))
        return self.runtime.shielded(begin, end_pass)

    def recompress(  # noqa: PLR0913  (everything the attribute takes, by keyword)
        self,
        mode: RecompressionMode | None = None,
        *,
        threshold: int = 0,
        max_pages: int | None = None,
        priority: int | None = None,
        algorithm: str | None = None,
        progress: Callable[[int, int], None] | None = None,
        cancel: Event | None = None,
    ) -> RecompressResult:
        """Compress pages in memory again, with a secondary algorithm, and keep what gets smaller.

        Args:
            mode: "idle", "huge" or "huge_idle"; without it every page in memory that is not known as incompressible.
            threshold: Bytes below which an object is not tried, and below which it must get; 0 is no threshold.
            max_pages: How many pages may be tried.
            priority: Of the algorithm to use; or
            algorithm: its name. Without either, priority 1. Only pages of a lower priority are looked at.
            progress: Called with pages settled and pages selected, from the thread that drives the pass.
            cancel: Set it to try no more pages.

        Raises:
            ZramError: Nothing started: EINVAL (bad arguments, not initialised, no algorithm), EAGAIN (another pass).
            KeyboardInterrupt: After the page at hand is finished.
        """
        check_watchers(progress, cancel)
        request = recompression_of(mode, threshold, max_pages, priority, algorithm)
        return drive(self._life.recompression(request), self.runtime, progress, cancel)

    def begin_recompression(self, request: RecompressRequest) -> RecompressPass:
        """Begin a pass for the caller to drive with `advance`; raises as `recompress` does."""
        return self.runtime.shielded(self._life.recompression(request), end_pass)

    def compact(self) -> int:
        """Give memory that freed pages have left behind back to the system; return the bytes of the holes closed.

        Nothing is done while less than a sixteenth is holes. Reading a moved page takes a little longer.
        """
        return self.runtime.shielded(self._life.compact)

    def keep_within(
        self, memory: int | str, policy: MemoryPolicy | None = None, *, patience: float = WRITERS_WAIT
    ) -> Keeper:
        """Keep the memory of pages within `memory` bytes from here on, by a task that writes them back in time.

        The policy says when and how much; without one it is `ColdestFirst()`. A write that finds no room waits up to
        `patience` seconds for it, then it is ENOMEM. The task ends with `stop`, with its use as a context manager, and
        with the device.

        Raises:
            ZramError: EINVAL (bad arguments, not initialised), ENODEV without a backing device, EBUSY while another one
                keeps the device.
        """
        settings = checked(memory, ColdestFirst() if policy is None else policy, patience)

        def begin(passes: Passes) -> Keeper:
            passes.require_backing()
            return Keeper(self._life, passes, settings)

        return self.runtime.shielded(lambda _interrupts: self._life.accompany(begin), Keeper.stop)

    # --- attributes, settings, statistics --------------------------------------------------------------------------

    @property
    def attrs(self) -> Attributes:
        """The attributes by their sysfs names, text in and text out."""
        return Attributes(self)

    @property
    def stats(self) -> Stats:
        """The statistics of this moment; never waits for a pass."""
        return self._life.stats()

    def snapshot(self) -> Snapshot:
        """Return everything writeback is about, at this moment; exact while nobody is advancing a pass."""
        return snapshot(self._life.live(), self._life.table)

    def slot(self, index: int) -> SlotView:
        """Return what there is to see of slot `index` at this moment, which is no access; EINVAL without that page."""
        return slot(self._life.live().pages, self._life.table, index)

    def block_state(self) -> str:
        """Return debugfs' block_state: a line per stored page with its marks."""
        self._life.wait_as_the_driver()
        return block_state(self._life.live().pages, self._life.table)
