"""Several checks at a time, each in a process of its own, with live progress.

A job is a function of this project that gets a callable to report with and returns a `JobResult`. `spec.processes` says
what becomes of the process.
"""

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from spec.outputs.verdicts import Finding
from spec.processes import runner
from spec.processes.entry import raise_again
from spec.processes.interrupts import Interrupted
from spec.processes.progress import PLAIN, share
from spec.processes.runner import Ended, ProcessTask, Send
from stateful.jobs.progress import ProgressDisplay, ProgressLine
from stateful.seam.chosen import chosen
from stateful.seam.option import named_device

REPORT_SECONDS: Final = 0.1
"""Seconds between the reports of a job that are passed on."""


class JobResult(NamedTuple):
    """The result of a job."""

    good: bool
    what: str
    """One line for the table."""
    details: str = ""
    """The problems in full, or what is worth seeing anyway."""
    findings: tuple[Finding, ...] = ()
    """The problems one by one; () where `what` and `details` say all."""


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


class JobsInterrupted(Interrupted):
    """A signal has arrived; no process and no file is left."""

    def __init__(self, number: int, done: Sequence[Done]) -> None:
        super().__init__(number)
        self.done = done
        """The jobs that had ended."""


def run(jobs: Sequence[Job], loud: int = PLAIN, processes: int = 2) -> list[Done]:
    """Run all `jobs`, `processes` at a time; draw them on stderr, and return how each ended, in their order.

    Raises:
        JobsInterrupted: By a signal.
    """
    done: dict[int, Done] = {}
    said: dict[int, str] = {}
    began = time.monotonic()
    with ProgressDisplay(loud) as display:

        def ended(index: int, task: Ended) -> None:
            result = task.result if isinstance(task.result, JobResult) else _died(task)
            done[index] = Done(jobs[index], result, task.seconds)
            display.note(f"{'passed' if result.good else 'FAILED'} {jobs[index].name}: {result.what}")

        def received(index: int, message: object) -> None:
            said[index] = str(message)

        def tick(running: Mapping[int, float]) -> None:
            lines = [ProgressLine(jobs[each].name, time_, said.get(each, "")) for each, time_ in running.items()]
            # Of a single job its own words say it.
            head = f"checks: {share(len(done), len(jobs), time.monotonic() - began)}" if len(jobs) > processes else ""
            display.show(lines, head)

        tasks = [ProcessTask(partial(_judged, job, chosen().name)) for job in jobs]
        try:
            runner.run(tasks, ended, received, tick, processes)
        except Interrupted as interrupt:
            raise JobsInterrupted(interrupt.number, [done[index] for index in sorted(done)]) from None
    return [done[index] for index in range(len(jobs))]


def _died(task: Ended) -> JobResult:
    return JobResult(good=False, what=f"died with exit code {task.code}", details=task.last_words())


def _judged(job: Job, device: str, send: Send) -> JobResult:
    raise_again()
    try:
        with named_device(device):
            return job.run(reporter(send))
    except Exception as error:  # a check that crashes is a finding, not the end of the others
        what = f"crashed: {type(error).__name__}: {error}".splitlines()[0]
        return JobResult(good=False, what=what, details=traceback.format_exc())


def reporter(send: Send) -> Report:
    """Return a function that passes on a few reports a second."""
    last = 0.0

    def report(text: str) -> None:
        nonlocal last
        if time.perf_counter() - last > REPORT_SECONDS:
            last = time.perf_counter()
            send(text)

    return report
