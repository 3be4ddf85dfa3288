"""The thread engine: runs of consecutive blocks, each one device write, carried by a few threads.

The submitting side sorts and cuts; a thread takes a run, writes it with no lock held, and answers all of it at once.
Two locks, never held together, both of rank ENGINE: one between submit and the threads, one between the threads and
the reaper. So an answer wakes only the reaper, and a submission only the threads.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.buffers import PageBuffers
from zram_impl.engine.request import Phase, WbReq
from zram_impl.engine.runs import carry, into_runs, report
from zram_impl.events.observer import Observer
from zram_impl.runtime import Rank, Runtime, Task

_PATIENCE: Final = 0.1
"""Seconds a waiting `answered` goes without an answer before it returns to its caller empty-handed."""


class ThreadEngine:
    """Writes in the background; requests of one `submit` on consecutive blocks share device writes.

    One task at a time takes buffers and submits; any may reap. Threads start with the first submission and live until
    `close`, which the owner must call: they keep the engine alive.
    """

    def __init__(  # noqa: PLR0913  (how it works and what it is called, by keyword)
        self,
        device: BackingDevice,
        runtime: Runtime,
        *,
        depth: int,
        threads: int = 2,
        run_pages: int = 256,
        observer: Observer | None = None,
        kind: str = "threads",
    ) -> None:
        """Write to `device`, which stays the caller's and must stay open until after `close`.

        Args:
            device: Written to by `threads` tasks at once.
            runtime: Where conditions and tasks come from.
            depth: The most requests in flight.
            threads: Device writes under way at a time.
            run_pages: The most pages of one device write. Fewer when a pass has fewer requests: its requests are
                spread over all threads, so that the device is never idle while answers of a run are reaped.
            observer: Called for every answer.
            kind: Its name, for people.
        """
        assert threads > 0, "an engine has at least one thread"
        assert run_pages > 0, "a run has at least one page"
        self._device = device
        self._runtime = runtime
        self._threads = threads
        self._run_pages = run_pages
        self._observer = observer
        self.kind: str = kind
        self._buffers = PageBuffers(depth)
        self._tasks: list[Task] = []
        # Guards _todo and _closing; threads wait here for either.
        self._work = runtime.condition("engine.work", Rank.ENGINE)
        self._todo: deque[list[WbReq]] = deque()
        self._closing = False
        # Guards _done and _defect; the reaper waits here for answers.
        self._answers = runtime.condition("engine.answers", Rank.ENGINE)
        self._done: list[WbReq] = []
        self._defect: Exception | None = None

    @property
    def depth(self) -> int:
        """The most requests it carries at a time."""
        return self._buffers.depth

    def buffer(self) -> memoryview | None:
        """Hand out one page buffer; None when `depth` are out or memory for one more cannot be had."""
        return self._buffers.take()

    def release(self, page: memoryview) -> None:
        """Take a buffer back; its request is not in flight."""
        self._buffers.give(page)

    def submit(self, requests: Sequence[WbReq]) -> None:
        """Start the writes. Where no thread can be had they are done here and now, so that none is lost."""
        flight = Phase.FLIGHT
        for request in requests:
            assert request.phase is flight, "a request is in flight from its submission on"
        pool = max(self._buffers.out, len(requests))
        runs = into_runs(requests, min(self._run_pages, -(-pool // self._threads)))
        if not runs:
            return
        started = self._start_threads()
        # Race with `close`: the device lets nobody submit to an engine that it closes.
        with self._work:
            assert not self._closing, "nothing is submitted to a closed engine"
            if started:
                self._todo += runs
                self._work.notify_all()
        if not started:
            for run in runs:
                self._carry(run)

    def answered(self, wait: bool = False) -> list[WbReq]:
        """Return and forget the answered requests, oldest first; with `wait`, after at most a short while."""
        with self._answers:
            if wait:
                self._answers.wait_for(self._has_answers, _PATIENCE)
            done, self._done = self._done, []
        return done

    def close(self) -> None:
        """Finish what was submitted, stop the threads, give the memory back. Idempotent.

        Waits for the device. Answers nobody took can still be taken, but their pages are gone.

        Raises:
            AssertionError: The device raised something that is no OSError; its requests were answered with EIO.
        """
        # Race with a thread that has found nothing to do: it waits already, and is woken, or it sees the mark.
        with self._work:
            self._closing = True
            self._work.notify_all()
        for task in self._tasks:
            task.join()
        self._buffers.close()
        with self._answers:
            defect, self._defect = self._defect, None
        if defect is not None:
            raise AssertionError(f"the backing device failed in a way it must not: {defect!r}") from defect

    def _start_threads(self) -> bool:
        """Start the threads that are missing, as far as the system lets us; say whether there is one."""
        while len(self._tasks) < self._threads:
            try:
                task = self._runtime.spawn(self._serve, f"zram-writer-{len(self._tasks)}")
            except (OSError, RuntimeError):
                break
            self._tasks.append(task)
        return bool(self._tasks)

    def _serve(self) -> None:
        """Carry runs until the engine closes and none is left."""
        while True:
            with self._work:
                # Race with the other threads: one of them may have taken the run that this one was woken for.
                self._work.wait_for(self._has_work_or_end)
                if not self._todo:
                    return
                run = self._todo.popleft()
            self._carry(run)

    def _carry(self, run: list[WbReq]) -> None:
        """Write a run and answer it.

        Kernel: zram_writeback_endio(), which like this only queues and wakes: the unlock is the last access.
        """
        defect = carry(self._device, run)
        with self._answers:
            if self._observer is not None:
                report(self._observer, run)
            self._done += run
            if defect is not None:
                self._defect = defect
            self._answers.notify_all()

    def _has_answers(self) -> bool:
        return bool(self._done)

    def _has_work_or_end(self) -> bool:
        return bool(self._todo) or self._closing
