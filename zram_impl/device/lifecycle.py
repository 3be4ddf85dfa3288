"""The life cycle of a device.

    made -> algorithms, backing device -> initialise -> use -> reset -> again, or close

Locks, outermost first: the control lock (life cycle and configuration; never held while a pass is driven but by a
reset), the lock of a pass, the table lock (slots, blocks, budget, statistics), the engine's. See `runtime.Rank`.

Kernel: disksize_store(), reset_store(), zram_reset_device().
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from errno import EBUSY, EINVAL, ENOMEM
from functools import partial
from typing import TypeVar

from zram_impl import forking
from zram_impl.bdev.device import BackingDevice
from zram_impl.compression.compressors import Comps
from zram_impl.device.companion import Companion, wait_for_end
from zram_impl.device.config import Configuration, ReadCache
from zram_impl.device.dropped import Held
from zram_impl.device.openers import Openers
from zram_impl.device.passes import Passes
from zram_impl.errors import ZramError, refuse, refuse_type, shown
from zram_impl.pages.clean_pages import CleanPages
from zram_impl.pages.observed_pages import ObservedPages
from zram_impl.pages.page_io import Pages
from zram_impl.pages.stats import MmStat, Stats, stats_of
from zram_impl.parsing import kstrto
from zram_impl.parsing.recompress_args import RecompressRequest
from zram_impl.parsing.writeback_args import Scan
from zram_impl.passes.drive import run_pass
from zram_impl.passes.recompress import RecompressPass
from zram_impl.passes.writeback import WritebackPass
from zram_impl.runtime import Lock, Rank
from zram_impl.shield import Interrupts
from zram_impl.table.block_map import NextFit
from zram_impl.table.shared import Shared
from zram_impl.table.slot_table import ACCESS, IDLE, SlotTable, limit_of
from zram_impl.units import PAGE_SHIFT, PAGE_SIZE

T = TypeVar("T")
CompanionT = TypeVar("CompanionT", bound=Companion)


def pages_of(size: int | str) -> int:
    """Return the number of pages of a device of `size`; EINVAL for a bad size."""
    size_bytes = kstrto.size_of(size)
    if size_bytes < 1:
        raise refuse(EINVAL, f"disksize must be at least 1 byte, got {size_bytes}")
    return (size_bytes + PAGE_SIZE - 1) >> PAGE_SHIFT


@contextmanager
def _table_of(pages: int, size: int | str) -> Iterator[None]:
    """Turn a lack of memory into ENOMEM."""
    try:
        yield
    except (MemoryError, OverflowError) as error:
        raise refuse(ENOMEM, f"disksize {size}: no memory for a table of {pages} slots") from error


def check_fits(size: int | str) -> None:
    """Refuse a bad size, or one whose slot table does not fit into memory, before anything is made for it."""
    pages = pages_of(size)
    with _table_of(pages, size):
        SlotTable(pages)


class Lifecycle:
    """A device's configuration and, while it is initialised, its pages and passes.

    Attributes:
        configuration: Its settings; changed under the control lock.
        openers: Opens of the device's node.
        control: Guards the configuration, and whether the device is initialised.
        table: Guards the slots, blocks and statistics of an initialised device, and the budget, which outlives it.
        pages: None unless the device is initialised. Stored under the control lock, read without it: one load of one
            reference is valid, whatever happens to the device. A call loads it once.
        passes: Likewise; `passes.pages` are the same pages.
    """

    def __init__(self, configuration: Configuration) -> None:
        runtime = configuration.runtime
        self.configuration: Configuration = configuration
        self.openers: Openers = Openers(runtime)
        self.control: Lock = runtime.lock("control", Rank.CONTROL)
        self.table: Lock = runtime.lock("table", Rank.TABLE)
        self.pages: Pages | None = None
        self.passes: Passes | None = None
        self.companion: Companion | None = None
        """The task that keeps the device within a budget; guarded by the control lock."""
        self.held: Held = Held()
        """The parts to close, should nobody close the device."""
        forking.register(self)

    def live(self) -> Passes:
        """Return the passes of an initialised device; EINVAL otherwise."""
        passes = self.passes
        if passes is None:
            raise refuse(EINVAL, "the device is not initialised: disksize is 0")
        return passes

    # --- configuring -----------------------------------------------------------------------------------------------

    def configure(self, attribute: str, change: Callable[[Configuration], T]) -> T:
        """Make a change that is possible until the device is initialised; EBUSY afterwards."""
        with self.control:
            self._refuse_initialised(attribute)
            return change(self.configuration)

    def _refuse_initialised(self, attribute: str) -> None:
        if self.pages is not None:
            pages = self.pages.pages
            raise refuse(EBUSY, f"{attribute} cannot be set: the device is initialised with {pages} pages")

    def set_backing(self, backing: str | os.PathLike[str] | BackingDevice, size: int | str | None) -> None:
        """Take another backing device, once it is open, and close the one before."""

        def change(configuration: Configuration) -> None:
            before, configuration.backing = configuration.backing, configuration.opened(backing, size)
            self.held.took(self, configuration.backing)
            if before is not None:
                with suppress(OSError):
                    before.close()

        self.configuration.runtime.shielded(lambda _interrupts: self.configure("backing_dev", change))

    def set_batch_size(self, requests: int) -> None:
        """Set how many requests the next pass keeps in flight."""
        with self.control:
            self.configuration.batch_size = requests

    def set_mem_limit(self, pages: int) -> None:
        """Limit the memory of objects, now and after later initialisations; 0 is no limit."""
        with self.control:
            self.configuration.limit_pages = pages
            if self.pages is not None:
                with self.table:
                    self.pages.set_limit(pages)

    def set_read_cache(self, cache: ReadCache) -> None:
        """Keep written-back pages that are read, now and after later initialisations; those kept so far are dropped."""
        with self.control:
            if self.pages is not None:
                clean = self._clean_pages(cache, self.pages.pages)
                with self.table:
                    self.pages.clean = clean
                self.pages.reads.forget_ahead()
            self.configuration.read_cache = cache

    def _clean_pages(self, cache: ReadCache, pages: int) -> CleanPages | None:
        """Make room for clean pages: at most twice what the device has, as what has changed keeps its place a while."""
        return CleanPages(self.configuration.runtime, min(cache.pages, 2 * pages), cache.ahead) if cache.pages else None

    def reset_mem_used_max(self) -> None:
        """Begin anew to note the most memory that was used."""
        with self.control, self.table:
            if self.pages is not None:
                self.pages.table.reset_max()

    def store_limit(self, blocks: int) -> None:
        """Store the budget."""

        def store() -> None:
            with self.table:
                self.configuration.budget.store(blocks)
                self.configuration.observe("store_limit", blocks)

        self._unless_observed(store)

    def enable_limit(self, enabled: bool) -> None:
        """Make the budget count, or not."""

        def enable() -> None:
            with self.table:
                if self.configuration.budget.enabled != enabled:
                    self.configuration.budget.enabled = enabled
                    self.configuration.observe("toggle_limit")

        self._unless_observed(enable)

    def _unless_observed(self, change: Callable[[], None]) -> None:
        """Make a change here or, if an observer sees it, on the shield: no exception may land in an observer."""
        if self.configuration.observer is None:
            change()
        else:
            self.configuration.runtime.shielded(lambda _interrupts: change())

    # --- begin and end of use ----------------------------------------------------------------------------------------

    def initialise(self, size: int | str) -> None:
        """Give the device its size and begin its use."""
        pages = pages_of(size)
        self.configuration.runtime.shielded(
            lambda _interrupts: self.configure("disksize", lambda _: self._initialise(pages, size))
        )

    def _initialise(self, pages: int, size: int | str) -> None:
        configuration = self.configuration
        try:
            comps = configuration.algorithms.make(configuration.quirks)
        except ZramError:
            check_fits(size)  # a lack of memory is found first
            if configuration.quirks.algorithms_reset_by_refusal:
                configuration.algorithms.reset()
            raise
        with _table_of(pages, size):
            made = self._make_pages(pages, comps)
        # Not `self`: what a pass refers to must not keep a device alive that nobody holds.
        make_engine, runtime = configuration.make_engine, configuration.runtime
        passes = Passes(
            made,
            runtime=runtime,
            quirks=configuration.quirks,
            observer=configuration.observer,
            make_engine=lambda backing: make_engine(backing, runtime),
        )
        self.pages, self.passes, self.held.passes = made, passes, passes

    def _make_pages(self, pages: int, comps: Comps) -> Pages:
        configuration, quirks, backing = self.configuration, self.configuration.quirks, self.configuration.backing
        blocks = NextFit(backing.blocks if backing else 0, lowest=quirks.lowest_free_block)
        shared = Shared(
            self.table,
            SlotTable(pages, limit=limit_of(configuration.limit_pages), blocks=blocks),
            configuration.budget,
            comps.decode,
            unpack_into=comps.primary.unpack_into,
            compressed=configuration.compressed_writeback,
        )
        return (Pages if configuration.observer is None else ObservedPages)(
            shared,
            comps,
            backing=backing,
            runtime=configuration.runtime,
            observer=configuration.observer,
            read_takes_off=ACCESS if quirks.read_cancels_claim else IDLE,
            clean=self._clean_pages(configuration.read_cache, pages),
        )

    # --- passes ------------------------------------------------------------------------------------------------------

    def mark_idle(self, age_seconds: int | None) -> None:
        """Mark pages idle that are as old as that: with the driver's quirk, without a look at the device if none is."""
        if age_seconds is None:
            self.live().pages.mark_idle(None)
            return
        kstrto.whole(age_seconds, "age_seconds", 0, kstrto.U32_MAX)
        if self.is_unchecked(age_seconds):
            return
        now = int(self.configuration.runtime.now())
        pages = self.live().pages
        if age_seconds < now:
            pages.mark_idle(now - age_seconds)
        elif self.configuration.quirks.old_age_marks_all:
            pages.mark_idle(None)

    def is_unchecked(self, age_seconds: int | None) -> bool:
        """Return whether an idle age is so high that the driver does not look at the device, with that quirk."""
        if age_seconds is None or not self.configuration.quirks.old_age_unchecked:
            return False
        return age_seconds >= int(self.configuration.runtime.now())

    def writeback(
        self, choose: Callable[[int], list[Scan]], *, largest_first: bool = True
    ) -> Callable[[Interrupts], WritebackPass]:
        """Return what begins a pass over the scans that are chosen for a number of pages."""
        passes = self.live()
        passes.require_backing()
        scans = choose(passes.pages.pages)
        # The batch size is that of the moment in which the pass begins, under the control lock.
        configuration = self.configuration
        return partial(
            self.begin_pass, lambda it: it.begin_writeback(scans, configuration.batch_size, largest_first=largest_first)
        )

    def recompression(self, request: RecompressRequest) -> Callable[[Interrupts], RecompressPass]:
        """Return what begins a pass of recompression."""
        if not isinstance(request, RecompressRequest):
            raise refuse_type(f"request must be a RecompressRequest, got {shown(request)}")
        return partial(self.begin_pass, lambda it: it.begin_recompression(request))

    def compact(self, interrupts: Interrupts) -> int:
        """Do a compaction; return the bytes of the holes that it closed."""
        with self.live().compaction() as running:
            return run_pass(running, interrupts, None, None)

    def begin_pass(self, begin: Callable[[Passes], T | None], interrupts: Interrupts) -> T:
        """Begin a pass; while another one runs, EAGAIN or, with the driver's quirk, wait for its end."""
        while True:
            with self.control:
                passes = self.live()
                running = begin(passes)
            if running is not None:
                return running
            # Race: the pass may have ended since, or the device been reset. Either is seen when it is tried again.
            passes.refuse_or_wait(interrupts)

    def wait_as_the_driver(self) -> None:
        """Wait until no pass runs, if that quirk is asked for; no lock may be held."""
        passes = self.passes
        if self.configuration.quirks.control_plane_blocks and passes is not None:
            self.configuration.runtime.shielded(passes.wait_for_pass)

    def accompany(self, make: Callable[[Passes], CompanionT]) -> CompanionT:
        """Have the task that `make` starts end with the device; EBUSY while another one runs."""
        with self.control:
            passes = self.live()
            if self.companion is not None and self.companion.running:
                raise refuse(EBUSY, f"the device is kept within {self.companion.budget} bytes already: stop that first")
            self.companion = made = make(passes)
            return made

    # --- the end -----------------------------------------------------------------------------------------------------

    @property
    def engine_kind(self) -> str | None:
        """The engine, for people; None before the first pass of writeback."""
        return None if (passes := self.passes) is None else passes.engine_kind

    def stats(self) -> Stats:
        """Return the statistics of this moment."""
        passes = self.passes
        if passes is None:
            return Stats(MmStat(mem_limit=self.configuration.limit_pages << PAGE_SHIFT))
        # In this order: an engine that begins in between has written nothing yet, as far as anybody can tell.
        return stats_of(passes.pages)._replace(engine=passes.engine_kind)

    def reset(self) -> None:
        """Forget pages, size, backing device, memory limit and algorithms."""
        self.configuration.runtime.shielded(self._reset)

    def _reset(self, interrupts: Interrupts) -> None:
        configuration = self.configuration
        with self.openers.shut_out(), self.control:
            companion = self._release(interrupts)
            configuration.limit_pages = 0
            configuration.read_cache = ReadCache()
            configuration.algorithms.reset()
            with self.table:
                if not configuration.quirks.limit_survives_reset:
                    configuration.budget.store(0)
                    configuration.budget.enabled = False
                configuration.observe("reset")
        wait_for_end(companion, interrupts)

    def close(self) -> None:
        """Give everything back: memory, threads, the backing device."""
        self.configuration.runtime.shielded(self._close)

    def _close(self, interrupts: Interrupts) -> None:
        with self.control:
            companion = self._release(interrupts)
        wait_for_end(companion, interrupts)

    def _release(self, interrupts: Interrupts) -> Companion | None:
        """Close what there is, and return the companion, which ends now; the control lock is held."""
        backing, companion = self.configuration.backing, self.companion
        if companion is not None:
            companion.end_soon()
        try:
            if self.passes is not None:
                self.passes.close(interrupts)
            elif backing is not None:
                with suppress(OSError):
                    backing.close()
        except AssertionError:  # a defect of the backing device, found while everything was closed
            self._forget()
            raise
        self._forget()
        return companion

    def _forget(self) -> None:
        self.pages = self.passes = self.configuration.backing = self.companion = None
        self.held.released()

    # --- forks -----------------------------------------------------------------------------------------------------

    def fork_locks(self) -> tuple[Lock, Lock]:
        """Return the locks that guard what a forked child continues to use: control and table."""
        return self.control, self.table

    def after_fork(self, *, whole: bool) -> None:
        """Be a forked child's copy of a device: no lock is held, no pass runs, the backing device is its maker's."""
        forking.made_anew(self.control, self.table)
        self.openers.after_fork()
        if self.companion is not None and self.pages is not None:
            self.pages.room = self.companion = None  # its task is not there
            self.pages.set_limit(self.configuration.limit_pages)
        if self.passes is not None:
            self.passes.after_fork()
        if not whole:  # it was being made, reset or closed
            backing = self.configuration.backing
            self._forget()
            if backing is not None:
                with suppress(OSError):
                    backing.close()
