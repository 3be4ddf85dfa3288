"""Several checks at a time, each in a process of its own, with live progress and no traces.

A job is a function of this project that gets a callable to report with and returns a `JobResult`. It may take threads,
files and child processes as it likes, as long as it releases them when it is interrupted: a job that is to stop
gets a KeyboardInterrupt, as at a terminal. One that does not stop is killed; its temporary files are removed with the
folder they all lie in.
"""

import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from types import FrameType
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.console import Console

from spec.assertions import require_assertions
from spec.processes.entry import raise_again
from stateful.jobs.progress import ProgressDisplay, ProgressLine, TableRow
from zram_impl.cli.stop import requests_handled

if TYPE_CHECKING:
    _Pipe = Connection[object, object]

LOOK_SECONDS: Final = 0.1
"""How long it takes at most to notice a Ctrl-C, and how often a job's reports are passed on."""
STOP_SECONDS: Final = 0.7
"""Seconds for jobs to clean up before they are killed."""


class JobResult(NamedTuple):
    """The result of a job."""

    good: bool
    what: str
    """One line for the table."""
    details: str = ""
    """The problems in full, or what is worth seeing anyway."""


Report = Callable[[str], None]


class Job(NamedTuple):
    """A check; `run` must be a function at the top of a module."""

    name: str
    run: Callable[[Report], JobResult]


class Done(NamedTuple):
    """A job that ended."""

    job: Job
    verdict: JobResult
    seconds: float

    @property
    def row(self) -> TableRow:
        """Return what the table says of it."""
        return TableRow(self.job.name, self.verdict.good, self.verdict.what, self.seconds)


def run(jobs: Sequence[Job], console: Console, processes: int = 2) -> list[Done]:
    """Run all `jobs`, in their order, `processes` at a time; draw them, and return how each ended.

    Raises:
        KeyboardInterrupt: Once everything is as before: no process, thread or file is left behind.
    """
    waiting, running, done = list(jobs), list[_Running](), list[Done]()
    noted: list[int] = []
    with ExitStack() as undo:
        # A request to end is noted, not raised wherever it happens to arrive. In this order: processes are stopped
        # before their folder is removed, and only then the next request counts.
        undo.enter_context(requests_handled(lambda number, _frame: noted.append(number)))
        folder = undo.enter_context(tempfile.TemporaryDirectory(prefix="zram-check-", ignore_cleanup_errors=True))
        drawing = undo.enter_context(ProgressDisplay(console))
        undo.callback(lambda: stop(running))
        while (waiting or running) and not noted:
            while waiting and len(running) < processes:
                running.append(_Running(waiting.pop(0), folder))
            connection.wait([each.pipe for each in running], timeout=LOOK_SECONDS)
            for each in list(running):
                verdict = each.receive()
                if verdict is not None:
                    running.remove(each)
                    each.end()
                    done.append(Done(each.job, verdict, each.seconds()))
                    drawing.ended(done[-1].row)
            drawing.show(ProgressLine(each.job.name, each.seconds(), each.said) for each in running)
    if noted:
        raise KeyboardInterrupt(noted[0])
    return sorted(done, key=lambda each: jobs.index(each.job))


class _Running:
    """A job in its process."""

    def __init__(self, job: Job, folder: str) -> None:
        self.job = job
        self.said = ""
        self._began = time.perf_counter()
        here, there = multiprocessing.Pipe(duplex=False)
        self.pipe: _Pipe = here
        # a fresh interpreter: a copy of this process would have copies of locks that threads hold
        context = multiprocessing.get_context("spawn")
        self.process = context.Process(target=_work, args=(job, there, os.getpid(), folder))
        # Ctrl-C reaches every process of a terminal. Only this one is to answer it, and what is blocked here stays
        # blocked in a child. (The first child would start the tracker, and with it unblock the signal too early.)
        resource_tracker.ensure_running()
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        there.close()

    def seconds(self) -> float:
        return time.perf_counter() - self._began

    def receive(self) -> JobResult | None:
        """Take what the job has said; return its verdict, if that was it, or if it died without one."""
        try:
            while self.pipe.poll():
                said = self.pipe.recv()
                if isinstance(said, JobResult):
                    return said
                self.said = str(said)
        except (EOFError, OSError, pickle.UnpicklingError):
            self.process.join(STOP_SECONDS)
            return JobResult(good=False, what=f"died with exit code {self.process.exitcode}")
        return None

    def end(self, seconds: float = STOP_SECONDS) -> None:
        """Wait for the process a while, then kill it."""
        self.process.join(seconds)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()
        self.pipe.close()


def stop(running: Iterable[_Running]) -> None:
    """Ask jobs to stop, and see that they are gone."""
    until = time.perf_counter() + STOP_SECONDS
    for each in running:
        each.process.terminate()
    for each in running:
        each.end(max(0.0, until - time.perf_counter()))


def _work(job: Job, pipe: "_Pipe", parent: int, folder: str) -> None:
    """Run a job in its own process."""
    require_assertions()  # which the environment decides anew for each process
    try:
        signal.signal(signal.SIGTERM, _interrupt)
        raise_again(_interrupt)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # like Ctrl-C, for the parent to answer
        tempfile.tempdir = folder
        verdict = _judged(job, _reporter(pipe, parent))
        # Nothing is left to clean up: from here on SIGTERM may end the process at once.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        pipe.send(verdict)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(1)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough: another one would land in the middle of the cleaning up
    raise KeyboardInterrupt(number)


def _judged(job: Job, report: Report) -> JobResult:
    try:
        return job.run(report)
    except Exception as error:  # a check that crashes is a finding, not the end of the others
        what = f"crashed: {type(error).__name__}: {error}".splitlines()[0]
        return JobResult(good=False, what=what, details=traceback.format_exc())


def _reporter(pipe: "_Pipe", parent: int) -> Report:
    last = 0.0

    def report(text: str) -> None:
        nonlocal last
        if os.getppid() != parent:
            raise KeyboardInterrupt  # the parent is gone
        if time.perf_counter() - last > LOOK_SECONDS:
            last = time.perf_counter()
            pipe.send(text)

    return report
