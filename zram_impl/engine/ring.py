"""The ring engine: every run of consecutive blocks, a single page too, is one write in the hands of the system.

No thread waits for a single write: one thread waits in the system, without the interpreter's lock, for the next
answers of all of them. It queues and wakes, as endio does. So as many writes are under way as there are requests,
wherever their blocks lie.
"""

import errno
from collections.abc import Sequence
from time import sleep
from typing import Final

from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.background import PATIENCE, BackgroundEngine
from zram_impl.engine.request import Phase, WbReq
from zram_impl.engine.ring_queue import WAKE, Answer, RingQueue, Write
from zram_impl.engine.runs import carry
from zram_impl.events.observer import Observer
from zram_impl.runtime import Runtime, Task
from zram_impl.units import PAGE_SHIFT

_NOT_THE_DEVICES: Final = frozenset({errno.EAGAIN, errno.EINTR, errno.ECANCELED})
"""Errors that say nothing about a block: the system had no room, or the thread that submitted has ended since."""

_ANSWERED: Final = Phase.ANSWERED

_MANY: Final = 8
"""Writes in flight from which on the thread waits for several answers."""


class RingEngine(BackgroundEngine):
    """An engine whose writes are all in the hands of the system, and whose thread waits for any of them."""

    def __init__(  # noqa: PLR0913  (a device, a ring over it, and what any engine is made with)
        self,
        device: BackingDevice,
        runtime: Runtime,
        queue: RingQueue,
        *,
        depth: int,
        run_pages: int = 256,
        split: int = 1,
        observer: Observer | None = None,
    ) -> None:
        """Write by `queue`, and to `device` where that takes nothing; else as `BackgroundEngine`.

        The queue has room for `depth` writes to the same device, and is the engine's from here on.
        """
        kind = f"ring over {queue.name}"
        super().__init__(device, runtime, depth=depth, parts=split, run_pages=run_pages, observer=observer, kind=kind)
        self._queue = queue
        self._depth = depth
        # Each run in flight has a place; guarded, as the next three, by the lock of the answers.
        self._places: list[Sequence[WbReq]] = [()] * depth
        self._free = list(range(depth))
        self._peak = 0  # the most runs in flight since the last time that all were answered
        self._woken = False
        self._task: Task | None = None
        self._closing = False

    def submit(self, requests: Sequence[WbReq]) -> None:
        """Start the writes. What the ring does not take is written here and now, so that nothing is lost."""
        runs = self._runs_of(requests)
        if not runs:
            return
        assert not self._closing, "nothing is submitted to a closed engine"
        for run in runs[self._submit(runs) if self._started() else 0 :]:
            defect = carry(self._device, run)
            self._answer(run, defect)

    def close(self) -> None:
        """Finish what was submitted, stop the thread, give ring and memory back. Idempotent.

        Waits for the device. Answers nobody took can still be taken, but their pages are gone.

        Raises:
            AssertionError: The device raised something that is no OSError; its requests were answered with EIO.
        """
        closed, self._closing = self._closing, True
        if self._task is not None:
            while not closed and not self._queue.wake():
                sleep(PATIENCE)  # the system is out of memory; what is in flight gives some back
            self._task.join()
        self._queue.close()
        self._give_back()

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
        # Before the ring has them: the answer may be there before it says how many it took.
        with self._answers:
            writes = self._placed(runs)
        taken = self._queue.submit(writes)
        if taken < len(writes):
            with self._answers:
                self._unplace(writes[taken:])
        return taken

    def _placed(self, runs: Sequence[Sequence[WbReq]]) -> list[Write]:
        """Give each run a place, and return the writes; the lock of the answers is held, as in the next two."""
        writes = []
        for run in runs:
            # There is one: no more pages are out than there are places, and a run has at least one page.
            place = self._free.pop()
            self._places[place] = run
            writes.append((place, run))
        self._peak = max(self._peak, self._depth - len(self._free))
        return writes

    def _unplace(self, writes: Sequence[Write]) -> None:
        for place, _ in writes:
            self._places[place] = ()
            self._free.append(place)

    def _serve(self) -> None:
        """Take answers until the engine closes and nothing is in flight."""
        more, least = True, 1
        while more:
            answers = self._queue.wait(least)
            with self._answers:
                failed, more = self._take(answers)
                least = self._worth_waiting_for()
            for run, result in failed:
                # Here, although the next answers wait for it: a device that fails is in no hurry.
                self._answer(run, carry(self._device, run, None if -result in _NOT_THE_DEVICES else result))

    def _worth_waiting_for(self) -> int:
        """Return how many answers to wait for: half as many as there were in flight; the lock of the answers is held.

        Woken for a single one the pass would submit a single page, whose answer is a single one again, and pay for each
        as for a batch. With half of them it is at work on these while the device has the others.
        """
        flying = self._depth - len(self._free)
        if not flying:
            self._peak = 0
        return min(flying, self._peak // 2) if flying and self._peak >= _MANY else 1

    def _take(self, answers: Sequence[Answer]) -> tuple[list[tuple[Sequence[WbReq], int]], bool]:
        """Queue runs that were written and wake; return the other ones, and whether there may be more answers."""
        whole: list[WbReq] = []
        failed = []
        for place, result in answers:
            if place == WAKE:
                self._woken = True
                continue
            run, self._places[place] = self._places[place], ()
            self._free.append(place)
            if result == len(run) << PAGE_SHIFT:
                for request in run:
                    request.error = 0
                    request.phase = _ANSWERED
                whole += run
            else:
                failed.append((run, result))
        if whole:
            self._put(whole, None)
        # Nothing is submitted once the engine closes, so then a place that is free stays so.
        return failed, not self._woken or len(self._free) < self._depth
