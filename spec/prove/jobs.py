"""Proof jobs: some conditions, the task that decides them, and the verdicts its result stands for."""

from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from typing import NamedTuple

from spec.processes import runner
from spec.processes.runner import Ended, ProcessTask
from spec.prove.verdict import ProofVerdict


class ProofJob(NamedTuple):
    """Some conditions for one process."""

    part: str
    """The part of a run that it belongs to."""
    conditions: tuple[str, ...]
    task: ProcessTask
    read: Callable[[Ended], list[ProofVerdict]]


def run(
    jobs: Sequence[ProofJob], ended: Callable[[ProofJob, list[ProofVerdict], float], None], processes: int = 2
) -> None:
    """Run `jobs` in their order, `processes` at a time; report the verdicts of each and the time it took."""

    def report(index: int, how: Ended) -> None:
        ended(jobs[index], jobs[index].read(how), how.seconds)

    runner.run([job.task for job in jobs], report, processes=processes)


def at_least_one(text: str) -> int:
    """Read a number of processes, or of anything else there has to be one of, from the command line."""
    if not text.isascii() or not text.isdigit() or not int(text):
        raise ArgumentTypeError(f"{text} is not a whole number from 1 on")
    return int(text)
