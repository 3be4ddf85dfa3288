"""The ring engine: every run of consecutive blocks, a single page too, is one write in the hands of the system.

No thread waits for a single write: one thread waits in the system, without the interpreter's lock, for the next
answers of all of them. It queues and wakes, as endio does. So as many writes are under way as there are requests,
wherever their blocks lie.
"""

import errno
from collections import deque
from collections.abc import Sequence
from time import sleep
from typing import Final

from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.buffers import PageBuffers
from zram_impl.engine.request import Phase, WbReq
from zram_impl.engine.ring_queue import WAKE, RingQueue
from zram_impl.engine.runs import carry, into_runs, report
from zram_impl.events.observer import Observer
from zram_impl.runtime import Rank, Runtime, Task
from zram_impl.units import PAGE_SHIFT

_PATIENCE: Final = 0.1
"""Seconds a waiting `answered` goes without an answer before it returns to its caller empty-handed."""

_NOT_THE_DEVICES: Final = frozenset({errno.EAGAIN, errno.EINTR, errno.ECANCELED})
"""Errors that say nothing about a block: the system had no room, or the thread that submitted has ended since."""

_ANSWERED: Final = Phase.ANSWERED


class RingEngine:
    """Writes in the background; requests of one `submit` on consecutive blocks share writes.

    One task at a time takes buffers and submits; any may reap. The thread starts with the first submission and lives
    until `close`, which the owner must call: it keeps the engine alive.

    Attributes:
        kind: What it is, for people.
    """

    def __init__(  # noqa: PLR0913  (a device, a ring over it, and what any engine is made with)
        self,
        device: BackingDevice,
        runtime: Runtime,
        queue: RingQueue,
        *,
        depth: int,
        run_pages: int = 256,
        split: int = 2,
        observer: Observer | None = None,
    ) -> None:
        """Write to `device`, which stays the caller's and must stay open until after `close`.

        Args:
            device: Written to where the ring takes nothing.
            runtime: Where conditions and tasks come from.
            queue: A ring with room for `depth` writes to the same device; the engine's from here on.
            depth: The most requests in flight.
            run_pages: The most pages of one write.
            split: Into how many writes the requests of a pass are cut at least, so that the device is never idle while
                answers of a run are reaped.
            observer: Called for every answer.
        """
        self._device = device
        self._runtime = runtime
        self._queue = queue
        self._depth = depth
        self._run_pages = run_pages
        self._split = split
        self._observer = observer
        self.kind: str = f"ring over {queue.name}"
        self._buffers = PageBuffers(depth)
        # A run in flight has a place here. The task that takes its number out of _free owns the place, then the ring.
        self._places: list[Sequence[WbReq]] = [()] * depth
        self._free = deque(range(depth))
        self._task: Task | None = None
        self._closing = False
        # Guards _done and _defect; the reaper waits here for answers.
        self._answers = runtime.condition("engine.answers", Rank.ENGINE)
        self._done: list[WbReq] = []
        self._defect: Exception | None = None

    @property
    def depth(self) -> int:
        """The most requests it carries at a time."""
        return self._depth

    def buffer(self) -> memoryview | None:
        """Hand out one page buffer; None when `depth` are out or memory for one more cannot be had."""
        return self._buffers.take()

    def release(self, page: memoryview) -> None:
        """Take a buffer back; its request is not in flight."""
        self._buffers.give(page)

    def submit(self, requests: Sequence[WbReq]) -> None:
        """Start the writes. What the ring does not take is written here and now, so that nothing is lost."""
        flight = Phase.FLIGHT
        for request in requests:
            assert request.phase is flight, "a request is in flight from its submission on"
        pool = max(self._buffers.out, len(requests))
        runs = into_runs(requests, min(self._run_pages, -(-pool // self._split)))
        if not runs:
            return
        assert not self._closing, "nothing is submitted to a closed engine"
        for run in runs[self._submit(runs) if self._started() else 0 :]:
            defect = carry(self._device, run)
            self._answer(run, defect)

    def answered(self, wait: bool = False) -> list[WbReq]:
        """Return and forget the answered requests, oldest first; with `wait`, after at most a short while."""
        with self._answers:
            if wait:
                self._answers.wait_for(self._has_answers, _PATIENCE)
            done, self._done = self._done, []
        return done

    def close(self) -> None:
        """Finish what was submitted, stop the thread, give ring and memory back. Idempotent.

        Waits for the device. Answers nobody took can still be taken, but their pages are gone.

        Raises:
            AssertionError: The device raised something that is no OSError; its requests were answered with EIO.
        """
        closed, self._closing = self._closing, True
        if self._task is not None:
            while not closed and not self._queue.wake():
                sleep(_PATIENCE)  # the system is out of memory; what is in flight gives some back
            self._task.join()
        self._queue.close()
        self._buffers.close()
        with self._answers:
            defect, self._defect = self._defect, None
        if defect is not None:
            raise AssertionError(f"the backing device failed in a way it must not: {defect!r}") from defect

    def _started(self) -> bool:
        """Start the thread if it is missing and the system lets us; say whether there is one."""
        if self._task is None:
            try:
                self._task = self._runtime.spawn(self._serve, "zram-ring")
            except (OSError, RuntimeError):
                return False
        return True

    def _submit(self, runs: Sequence[Sequence[WbReq]]) -> int:
        """Give runs to the ring, and return how many it took."""
        places, take = self._places, self._free.popleft
        writes = []
        for run in runs:
            # There is a place for each: no more pages are out than there are places, and a run has at least one.
            place = take()
            # Race: the answer may be there before the ring says how much it took, so the place is filled before.
            places[place] = run
            writes.append((place, run))
        taken = self._queue.submit(writes)
        for place, _ in writes[taken:]:
            places[place] = ()
            self._free.append(place)
        return taken

    def _serve(self) -> None:
        """Take answers until the engine closes and nothing is in flight."""
        places, free = self._places, self._free
        closing = False
        # Nothing is submitted once the engine closes, so then a place that is free stays so.
        while not closing or len(free) < self._depth:
            whole: list[WbReq] = []
            for place, result in self._queue.wait():
                if place == WAKE:
                    closing = True
                    continue
                run, places[place] = places[place], ()
                free.append(place)
                if result == len(run) << PAGE_SHIFT:
                    for request in run:
                        request.error = 0
                        request.phase = _ANSWERED
                    whole += run
                else:
                    # Here, although the next answers wait for it: a device that fails is in no hurry.
                    defect = carry(self._device, run, None if -result in _NOT_THE_DEVICES else result)
                    self._answer(run, defect)
            if whole:
                self._answer(whole, None)

    def _answer(self, requests: Sequence[WbReq], defect: Exception | None) -> None:
        """Queue and wake, like zram_writeback_endio(): the unlock is the last access to anything of the pass."""
        with self._answers:
            if self._observer is not None:
                report(self._observer, requests)
            self._done += requests
            if defect is not None:
                self._defect = defect
            self._answers.notify_all()

    def _has_answers(self) -> bool:
        return bool(self._done)
