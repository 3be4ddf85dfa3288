"""One pass of recompression: scan, compress again with another algorithm, keep what got into a smaller size class.

It claims slots as a writeback pass does and excludes one: a page that is read, written or freed between its claim and
its turn is passed over. Compression runs outside of every lock, on immutable bytes; the claim, looked at again under
the table lock, proves that the page is still the same. Tried pages are no longer idle, whether it helped or not.

Kernel: recompress_store(), scan_slots_for_recompress(), recompress_slot(), as of 7.3.4.
"""

from collections.abc import Callable
from errno import EIO, ENOMEM
from typing import Final, NamedTuple

from zram_impl.compression.compressors import Comps
from zram_impl.compression.size_classes import saves_memory
from zram_impl.errors import ZramError
from zram_impl.events.observer import Observer
from zram_impl.parsing.recompress_args import RecompressMode
from zram_impl.passes.base import PassProgress, PassStage, SteppedPass
from zram_impl.result import RecompressResult
from zram_impl.runtime import Lock, Runtime
from zram_impl.table.access_times import AccessTimes
from zram_impl.table.entries import IN_MEMORY, RECOMPRESSED, priority_of, size_of
from zram_impl.table.slot_table import IDLE, INCOMPRESSIBLE, PP_SLOT, SlotTable
from zram_impl.units import PAGE_SIZE, SlotIndex

LOOK_AHEAD: Final = 1024
"""Slots looked at in one hold of the table lock."""

_IDLE_MODES: Final = (RecompressMode.IDLE, RecompressMode.HUGE_IDLE)
_HUGE_MODES: Final = (RecompressMode.HUGE, RecompressMode.HUGE_IDLE)


class Target(NamedTuple):
    """The checked parameters of a pass.

    Attributes:
        mode: Which pages in memory to look at.
        threshold: Bytes from which an object is worth trying, and below which it must get; 0 is no threshold.
        max_pages: How many may be tried; None is any number.
        priority: Of the algorithm to use.
        last: Whether no algorithm of a higher priority is configured, so that who does not shrink never will.
    """

    mode: RecompressMode
    threshold: int
    max_pages: int | None
    priority: int
    last: bool


class RecompressPass(SteppedPass[RecompressResult]):
    """A pass of recompression; `advance` takes at most so many pages, and never says WAIT."""

    def __init__(  # noqa: PLR0913  (what it is made of, named at the one place that makes it)
        self,
        table: SlotTable,
        times: AccessTimes,
        comps: Comps,
        target: Target,
        *,
        lock: Lock,
        runtime: Runtime,
        observer: Observer | None,
        on_end: Callable[[], None],
    ) -> None:
        """Begin a pass over the slots of `table`, which `lock` guards; `on_end` is called as it ends."""
        super().__init__(RecompressResult(), lock, runtime=runtime, observer=observer, on_end=on_end)
        self._table = table
        self._times = times
        self._comps = comps
        self._compress = comps[target.priority].compress
        self._target = target
        self._next = 0
        self._tries_left = target.max_pages

    def _step(self, actions: int) -> PassProgress:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        if self.stage is PassStage.SCANNING:
            self._scan()
            return PassProgress.PROGRESS
        for _ in range(min(actions, LOOK_AHEAD)):
            if not self._try_next():
                return PassProgress.DONE
        return PassProgress.PROGRESS

    # --- scanning --------------------------------------------------------------------------------------------------

    def _scan(self) -> None:
        table = self._table
        end = min(self._next + LOOK_AHEAD, len(table.entries))
        with self._table_lock:
            found = self._claim(range(self._next, end))
            self._buckets.place(found)
        self.result.selected += len(found)
        self._next = end
        if end == len(table.entries) or self._cancelled:
            self.stage = PassStage.WRITING

    def _claim(self, indexes: range) -> list[tuple[SlotIndex, int]]:
        table, found = self._table, list[tuple[SlotIndex, int]]()
        for index in indexes:
            if self._wants(index):
                found.append((SlotIndex(index), table.size(index)))
        table.claim(found)
        return found

    def _wants(self, index: int) -> bool:
        entry, flags, mode = self._table.entries[index], self._table.flags[index], self._target.mode
        if not isinstance(entry, IN_MEMORY) or flags & INCOMPRESSIBLE or priority_of(entry) >= self._target.priority:
            return False
        return not ((mode in _IDLE_MODES and not flags & IDLE) or (mode in _HUGE_MODES and size_of(entry) < PAGE_SIZE))

    # --- recompressing ---------------------------------------------------------------------------------------------

    def _try_next(self) -> bool:
        """Take the next candidate; False when the pass is over."""
        with self._table_lock:
            index = self._buckets.peek()
            if index is None:
                self._end()
                return False
            stopped = self._stopped_by()
            if stopped or not self._table.flags[index] & PP_SLOT or self._is_small(index):
                self._pass_over(index, stopped)
                return True
            stored = self._table.object(index)
            self._buckets.pop()
        try:
            page = self._comps.decode(stored)
        except (ZramError, MemoryError):  # the driver has not yet counted the attempt here
            self._fail(index, EIO, tried=False)
            return True
        if self._tries_left is not None:
            self._tries_left -= 1
        try:
            packed = self._compress(page)
        except MemoryError:
            self._fail(index, ENOMEM, tried=True)
            return True
        except ZramError as error:
            self._fail(index, error.errno or EIO, tried=True)
            return True
        with self._table_lock:
            self._settle(index, stored, packed)
        return True

    def _stopped_by(self) -> bool:
        if self._cancelled:
            self.result.stopped_by = self.result.stopped_by or "cancelled"
        elif self._tries_left == 0:
            self.result.stopped_by = self.result.stopped_by or "max_pages"
        return self.result.stopped_by is not None

    def _is_small(self, index: SlotIndex) -> bool:
        return self._table.size(index) < self._target.threshold

    def _pass_over(self, index: SlotIndex, stopped: bool) -> None:
        if stopped:
            self.result.left += 1
        # Race with users since the scan, as in `_settle`: without its claim the page is another, or was accessed.
        elif self._table.flags[index] & PP_SLOT:
            self.result.below_threshold += 1
        else:
            self.result.skipped += 1
        self._buckets.pop()
        self._table.release_claim(index)

    def _settle(self, index: SlotIndex, stored: bytes, packed: bytes) -> None:
        """Keep a smaller object, or note that it got no smaller; the table lock is held.

        Race with users since `_try_next` took the object: the slot was not locked while its page was compressed. That
        it still has its claim is the proof that the page was neither replaced nor accessed.
        """
        table, target = self._table, self._target
        if not table.flags[index] & PP_SLOT:
            self.result.skipped += 1
        elif saves_memory(len(stored), len(packed)) and (not target.threshold or len(packed) < target.threshold):
            table.recompress(index, RECOMPRESSED[target.priority - 1](packed))
            self._times.forget(index)  # as the driver, which frees the slot first
            self.result.recompressed += 1
            self._observe("recompress", index)
        else:
            table.clear_idle(index)
            if target.last:
                table.mark_incompressible(index)
            self.result.no_gain += 1
            self._observe("recompress_in_vain", index)
        table.release_claim(index)

    def _fail(self, index: SlotIndex, code: int, *, tried: bool) -> None:
        """Stop for a page that cannot be had or compressed; it keeps its object, and its idle mark unless it was tried.

        Race as in `_settle`: a slot without its claim was accessed, or holds another page, so its idle mark is younger
        than the attempt.
        """
        with self._table_lock:
            if tried and self._table.flags[index] & PP_SLOT and self._table.flags[index] & IDLE:
                self._table.clear_idle(index)
                self._observe("clear_idle", index)
            self._table.release_claim(index)
        self.result.failed += 1
        self.result.errors.append((index, code))
        self.result.stopped_by = "error"
