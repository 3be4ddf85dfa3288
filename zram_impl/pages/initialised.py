"""The initialised device: its pages, its statistics, and the one pass that may work on it at a time.

A `Disk` lives from `disksize` to `reset`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from errno import EBUSY, ENOMEM
from typing import Final

from zram_impl.bdev.device import BackingDevice
from zram_impl.compression.compressors import Comps
from zram_impl.engine.protocol import Engine
from zram_impl.errors import refuse
from zram_impl.events.observer import Observer
from zram_impl.forking import made_anew
from zram_impl.pages.page_io import Pages
from zram_impl.pages.stats import BdStat, DebugStat, IoStat, MmStat, Stats
from zram_impl.parsing.writeback_args import Scan
from zram_impl.passes.base import PassProgress
from zram_impl.passes.compaction import Compaction
from zram_impl.passes.idle import mark_idle
from zram_impl.passes.recompress import RecompressPass, Target
from zram_impl.passes.request_pool import request_of
from zram_impl.passes.scan import Cursor
from zram_impl.passes.writeback import WritebackPass
from zram_impl.quirks import Quirks
from zram_impl.runtime import Lock, Rank, Runtime
from zram_impl.shield import PATIENCE, Interrupts
from zram_impl.table.block_map import NextFit
from zram_impl.table.budget import Budget
from zram_impl.table.shared import Shared
from zram_impl.table.slot_table import ACCESS, IDLE, NO_LIMIT, OWNED, PP_SLOT, SlotTable
from zram_impl.units import PAGE_SHIFT, PAGE_SIZE

LAST_WAITS: Final = 10
"""Waits for an answer, each of a tenth of a second, that an abandoned device is given when it is closed."""


class Disk(Pages):
    """Pages, indexed from 0, and what is done to all of them."""

    def __init__(  # noqa: PLR0913  (what it is made of, named at the one place that makes it)
        self,
        pages: int,
        comps: Comps,
        lock: Lock,
        budget: Budget,
        *,
        runtime: Runtime,
        quirks: Quirks,
        observer: Observer | None,
        backing: BackingDevice | None,
        make_engine: Callable[[BackingDevice], Engine],
        limit_pages: int = 0,
        compressed_writeback: bool = False,
    ) -> None:
        blocks = NextFit(backing.blocks if backing else 0, lowest=quirks.lowest_free_block)
        shared = Shared(lock, SlotTable(pages, blocks=blocks), budget, comps.decode, compressed=compressed_writeback)
        super().__init__(
            shared,
            comps,
            backing=backing,
            runtime=runtime,
            observer=observer,
            read_takes_off=ACCESS if quirks.read_cancels_claim else IDLE,
        )
        self.set_limit(limit_pages)
        self.running_pass: WritebackPass | RecompressPass | None = None
        """The pass under way; guarded by the table lock."""
        # Guards nothing: whoever waits for a pass to end waits here.
        self._ended = runtime.condition("pass ended", Rank.ENGINE)
        # Guards nothing but who compacts: one at a time.
        self._compacting = runtime.lock("compaction", Rank.CONTROL)
        self._closed = False
        self._runtime = runtime
        self._quirks = quirks
        self._make_engine = make_engine
        self._engine: Engine | None = None
        self._owner = os.getpid()

    # --- memory and statistics -------------------------------------------------------------------------------------

    def set_limit(self, pages: int) -> None:
        """Let objects have at most this many pages together; 0 is no limit. What is there already stays."""
        self.table.limit = pages << PAGE_SHIFT if pages else NO_LIMIT

    def stats(self) -> Stats:
        """Return the statistics of this moment; takes the table lock."""
        with self._lock:
            table = self.table
            mm = MmStat(
                orig_data_size=table.pages_stored << PAGE_SHIFT,
                compr_data_size=table.compr_data_size,
                mem_used_total=_whole_pages(table.used),
                # Not the device's setting, which a reset changes while this disk is still looked at.
                mem_limit=table.limit if table.limit != NO_LIMIT else 0,
                mem_used_max=_whole_pages(max(table.compr_data_max, table.used)),
                same_pages=table.same_pages,
                pages_compacted=table.pages_compacted,
                huge_pages=table.huge_pages,
                huge_pages_since=table.huge_pages_since,
            )
            bd = BdStat(self.blocks.used, self.reads.bd_reads, self.shared.bd_writes)
            return Stats(mm, bd, IoStat(self.failed_reads, self.failed_writes, 0, self.notify_free), DebugStat())

    def mark_idle(self, before: int | None) -> None:
        """Mark pages idle, as `idle.mark_idle` says."""
        mark_idle(self.table, self.times, self._lock, before, self._observer)

    @contextmanager
    def compaction(self) -> Iterator[Compaction]:
        """Begin a compaction, once no other is under way; no lock but this one's may be held."""
        with self._compacting:
            yield Compaction(self.table, self._lock)

    # --- passes ----------------------------------------------------------------------------------------------------

    def begin_pass(self, scans: list[Scan], batch_size: int) -> WritebackPass | None:
        """Begin a writeback pass; None when one is running.

        Raises:
            ZramError: ENOMEM when there is no memory for a single request, EBUSY in a forked child; nothing started.
        """
        assert self.backing is not None, "the caller answers ENODEV"
        if os.getpid() != self._owner:  # which has the threads, and whose pages are on the blocks
            raise refuse(EBUSY, f"backing device {self.backing.name} is that of process {self._owner}")
        if self._engine is None:
            self._engine = self._make_engine(self.backing)
        with self._lock:
            if self.running_pass is not None:
                return None
            first = request_of(self._engine, 0)
            if first is None:
                raise refuse(ENOMEM, "no memory for a single write request")
            self.running_pass = running = WritebackPass(
                self.shared,
                self._engine,
                Cursor(scans, queue_twice=self._quirks.queue_twice),
                batch_size,
                runtime=self._runtime,
                quirks=self._quirks,
                observer=self._observer,
                first=first,
                on_end=self._pass_ended,
            )
            self._observe("begin_pass")
            return running

    def begin_recompression(self, target: Target) -> RecompressPass | None:
        """Begin a pass of recompression; None when one of either kind is running."""
        with self._lock:
            if self.running_pass is not None:
                return None
            self.running_pass = running = RecompressPass(
                self.table,
                self.times,
                self.comps,
                target,
                lock=self._lock,
                runtime=self._runtime,
                observer=self._observer,
                on_end=self._pass_ended,
            )
            return running

    def wait_for_pass(self, interrupts: Interrupts | None = None) -> None:
        """Wait until no pass runs, or until `interrupts` says not to; no lock may be held, not in the main thread."""
        while not self._wait_a_while(None if interrupts is None else PATIENCE):
            if interrupts is not None and interrupts.cancelled:
                return

    def _wait_a_while(self, patience: float | None) -> bool:
        with self._ended:
            return self._ended.wait_for(lambda: self.running_pass is None, patience)

    def _pass_ended(self) -> None:
        self.running_pass = None
        with self._ended:
            self._ended.notify_all()

    # --- the end ---------------------------------------------------------------------------------------------------

    def close(self, interrupts: Interrupts) -> None:
        """Drive a running pass to its end, wait for reads, stop the threads, let the backing device go.

        Idempotent; not for the main thread. A device that somebody gave up waiting for (`WritebackPass.abandoned`, or
        `interrupts` says so) gets another moment, then its threads and its file are left to the process. A forked
        child, which has no threads and waits for none, lets its copy of the file go.
        """
        if self._closed:
            return
        mine = os.getpid() == self._owner
        if mine:
            if not self._end_pass(interrupts):
                return
            self.reads.close()
        try:
            if mine and self._engine is not None:
                self._engine.close()
        finally:
            if self.backing is not None:
                with suppress(OSError):
                    self.backing.close()
            self._closed = True

    def after_fork(self) -> None:
        """Forget, in a forked child, the pass of its parent: its claims, and the blocks that no slot owns yet.

        The engine's threads are not there, and its locks are nobody's to take: a child begins no pass.
        """
        made_anew(self._ended, self._compacting)
        self.reads.after_fork()
        running, self.running_pass = self.running_pass, None
        if running is not None:
            running.after_fork()
            unclaimed = bytes(flags & ~(PP_SLOT | OWNED) & 0xFF for flags in range(256))
            self.table.flags[:] = self.table.flags.translate(unclaimed)
            self.blocks.take_back()

    def _end_pass(self, interrupts: Interrupts) -> bool:
        """Drive a running pass to its end; return False when its device does not answer."""
        with self._lock:
            running = self.running_pass
        if running is None:
            return True
        running.cancel()
        waits = LAST_WAITS
        while (progress := running.advance()) is not PassProgress.DONE:
            if progress is PassProgress.WAIT:
                if waits == 0:
                    return False
                running.wait()
                waits -= running.abandoned or interrupts.abandoned
        return True


def _whole_pages(size: int) -> int:
    return -(-size // PAGE_SIZE) * PAGE_SIZE
