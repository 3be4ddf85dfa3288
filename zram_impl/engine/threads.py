"""The thread engine: runs of consecutive blocks, each one device write, carried by a few threads.

The submitting side sorts and cuts; a thread takes a run, writes it with no lock held, and answers all of it at once.
Two locks, never held together, both of rank ENGINE: one between submit and the threads, one between the threads and
the reaper. So an answer wakes only the reaper, and a submission only the threads.
"""

from collections import deque
from collections.abc import Sequence

from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.background import BackgroundEngine
from zram_impl.engine.request import WbReq
from zram_impl.engine.runs import carry
from zram_impl.events.observer import Observer
from zram_impl.runtime import Rank, Runtime, Task


class ThreadEngine(BackgroundEngine):
    """An engine each of whose threads waits for one device write at a time."""

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
        """Write to `device` by `threads` tasks at once, else as `BackgroundEngine`: each has a part of the requests."""
        assert threads > 0, "an engine has at least one thread"
        assert run_pages > 0, "a run has at least one page"
        super().__init__(device, runtime, depth=depth, parts=threads, run_pages=run_pages, observer=observer, kind=kind)
        self._threads = threads
        self._tasks: list[Task] = []
        # Guards _todo and _closing; threads wait here for either.
        self._work = runtime.condition("engine.work", Rank.ENGINE)
        self._todo: deque[list[WbReq]] = deque()
        self._closing = False

    def submit(self, requests: Sequence[WbReq]) -> None:
        """Start the writes. Where no thread can be had they are done here and now, so that none is lost."""
        runs = self._runs_of(requests)
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
        self._give_back()

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
        """Write a run and answer it."""
        self._answer(run, carry(self._device, run))

    def _has_work_or_end(self) -> bool:
        return bool(self._todo) or self._closing
