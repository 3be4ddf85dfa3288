"""The passes over an initialised device: at most one of writeback or recompression at a time, and compaction.

Kernel: writeback_store(), recompress_store(), compact_store(), zram_reset_device().
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from errno import EAGAIN, EBUSY, EINTR, EINVAL, ENODEV
from typing import Final

from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.protocol import Engine
from zram_impl.engine.ring_choice import engine_kind
from zram_impl.errors import refuse
from zram_impl.events.observer import Observer
from zram_impl.forking import made_anew
from zram_impl.pages.page_io import Pages
from zram_impl.parsing.algorithm_args import SECONDARY, choose_priority
from zram_impl.parsing.recompress_args import RecompressRequest
from zram_impl.parsing.writeback_args import Scan
from zram_impl.passes.base import PassProgress
from zram_impl.passes.compaction import Compaction
from zram_impl.passes.recompress import RecompressPass, Target
from zram_impl.passes.request_pool import RequestPool
from zram_impl.passes.scan import Cursor
from zram_impl.passes.writeback import WritebackPass
from zram_impl.quirks import Quirks
from zram_impl.runtime import Rank, Runtime
from zram_impl.shield import PATIENCE, Interrupts

LAST_WAITS: Final = 10
"""Waits for an answer, each of a tenth of a second, that an abandoned device is given when it is closed."""


class Passes:
    """Begins passes over `pages`, knows the one that runs, and ends it; lives from `disksize` to `reset`."""

    def __init__(
        self,
        pages: Pages,
        *,
        runtime: Runtime,
        quirks: Quirks,
        observer: Observer | None,
        make_engine: Callable[[BackingDevice], Engine],
    ) -> None:
        self.pages: Pages = pages
        self.running: WritebackPass | RecompressPass | None = None
        """The pass under way; guarded by the table lock."""
        self._lock = pages.shared.lock
        # Guards nothing: tasks that wait for a pass to end wait here.
        self._ended = runtime.condition("pass ended", Rank.ENGINE)
        # Guards a compaction: one at a time.
        self._compacting = runtime.lock("compaction", Rank.CONTROL)
        self._closed = False
        self._runtime = runtime
        self._quirks = quirks
        self._observer = observer
        self._make_engine = make_engine
        self._engine: Engine | None = None
        self._owner = os.getpid()

    @property
    def engine_kind(self) -> str | None:
        """The engine's name and what it works with, for people; None before the first pass of writeback."""
        engine = self._engine
        return None if engine is None else engine_kind(engine)

    # --- beginning -------------------------------------------------------------------------------------------------

    def begin_writeback(
        self, scans: list[Scan], batch_size: int, *, largest_first: bool = True
    ) -> WritebackPass | None:
        """Begin a writeback pass; None when a pass is running.

        One that will write all there is need not write the largest pages first, but by their indexes, so that
        neighbours lie side by side.

        Raises:
            ZramError: ENODEV without a backing device, EINVAL for scans beyond the device, EBUSY in a forked child,
                ENOMEM when there is no memory for a single request. Nothing has started then.
        """
        pages = self.pages
        backing = self.require_backing()
        end = max((scan.hi for scan in scans), default=0)
        # Race with a reset since the scans were made: this device may be smaller than that one.
        if end > pages.pages:
            raise refuse(EINVAL, f"pages must be within 0 to {pages.pages - 1}, got page {end - 1}")
        if os.getpid() != self._owner:  # which has the threads, and whose pages are on the blocks
            raise refuse(EBUSY, f"backing device {backing.name} is that of process {self._owner}")
        if self._engine is None:
            self._engine = self._make_engine(backing)
        with self._lock:
            # Race: of two that begin at once, the first to get the table lock runs.
            if self.running is not None:
                return None
            pool = RequestPool(self._engine, batch_size)
            self.running = running = WritebackPass(
                pages.shared,
                self._engine,
                Cursor(scans, queue_twice=self._quirks.queue_twice),
                pool,
                runtime=self._runtime,
                quirks=self._quirks,
                observer=self._observer,
                on_end=self._pass_ended,
                largest_first=largest_first,
            )
            if self._observer is not None:
                self._observer("begin_pass")
            return running

    def require_backing(self) -> BackingDevice:
        """Return the backing device; ENODEV without one."""
        if self.pages.backing is None:
            raise refuse(ENODEV, "there is no backing device: set backing_dev before disksize")
        return self.pages.backing

    def begin_recompression(self, request: RecompressRequest) -> RecompressPass | None:
        """Begin a pass of recompression; None when a pass is running.

        Raises:
            ZramError: EINVAL unless an algorithm is configured for the priority.
        """
        names = self.pages.comps.configured
        priority = choose_priority(request.priority, request.algorithm, names, lowest=SECONDARY)
        if names[priority] is None:
            raise refuse(EINVAL, f"no algorithm is configured for priority {priority}: store recomp_algorithm first")
        last = not any(names[priority + 1 :])
        with self._lock:
            # Race: as in `begin_writeback`.
            if self.running is not None:
                return None
            self.running = running = RecompressPass(
                self.pages.table,
                self.pages.times,
                self.pages.comps,
                Target(request.mode, request.threshold, request.max_pages, priority, last),
                lock=self._lock,
                runtime=self._runtime,
                observer=self._observer,
                on_end=self._pass_ended,
            )
            return running

    @contextmanager
    def compaction(self) -> Iterator[Compaction]:
        """Begin a compaction, once no other is under way; no lock but this one's may be held."""
        with self._compacting:
            yield Compaction(self.pages.table, self._lock)

    # --- waiting ---------------------------------------------------------------------------------------------------

    def refuse_or_wait(self, interrupts: Interrupts) -> None:
        """Refuse a second pass with EAGAIN; with the driver's quirk, wait until none runs, or EINTR."""
        if not self._quirks.pass_waits:
            raise refuse(EAGAIN, "another writeback or recompression is running")
        self.wait_for_pass(interrupts)
        if interrupts.cancelled:
            raise refuse(EINTR, "interrupted while another writeback or recompression was running")

    def wait_for_pass(self, interrupts: Interrupts | None = None) -> None:
        """Wait until no pass runs, or until `interrupts` says not to; no lock may be held, not in the main thread."""
        while not self._wait_a_while(None if interrupts is None else PATIENCE):
            if interrupts is not None and interrupts.cancelled:
                return

    def _wait_a_while(self, patience: float | None) -> bool:
        with self._ended:
            # Race: `running` is read without the table lock. `_pass_ended` notifies after it cleared the field, so a
            # look that is too early is not the last one.
            return self._ended.wait_for(lambda: self.running is None, patience)

    def _pass_ended(self) -> None:
        """Note, under the table lock, that the running pass is over."""
        self.running = None
        with self._ended:
            self._ended.notify_all()

    # --- the end ---------------------------------------------------------------------------------------------------

    def close(self, interrupts: Interrupts) -> None:
        """End a running pass, wait for reads, stop the threads, close the backing device. The control lock is held.

        Idempotent; not for the main thread. A device that somebody gave up waiting for (`WritebackPass.abandoned`, or
        `interrupts` says so) gets another moment, then its threads and its file are left to the process. A forked
        child has no threads and waits for none: it closes its copy of the file.
        """
        if self._closed:
            return
        mine = os.getpid() == self._owner
        if mine:
            if not self._end_pass(interrupts):
                return
            self.pages.reads.close()
        try:
            if mine and self._engine is not None:
                self._engine.close()
        finally:
            if self.pages.backing is not None:
                with suppress(OSError):
                    self.pages.backing.close()
            self._closed = True

    def after_fork(self) -> None:
        """Forget, in a forked child, the pass of its parent: its claims, and the blocks that no slot owns yet.

        The engine's threads do not exist there, and its locks are not used: a child begins no pass.
        """
        made_anew(self._ended, self._compacting)
        self.pages.reads.after_fork()
        if self.pages.clean is not None:
            self.pages.clean.after_fork()
        running, self.running = self.running, None
        if running is not None:
            running.after_fork()
            self.pages.table.forget_claims()
            self.pages.blocks.take_back()

    def _end_pass(self, interrupts: Interrupts) -> bool:
        """Drive a running pass to its end; return False when its device does not answer."""
        with self._lock:
            running = self.running
        if running is None:
            return True
        running.cancel()
        waits = LAST_WAITS
        # Race with the task that drives the pass: either may take the answers, and both see it end.
        while (progress := running.advance()) is not PassProgress.DONE:
            if progress is PassProgress.WAIT:
                if waits == 0:
                    return False
                running.wait()
                waits -= running.abandoned or interrupts.abandoned
        return True
