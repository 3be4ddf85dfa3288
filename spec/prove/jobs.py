"""Proof jobs: some conditions, the task that decides them, and the verdicts its result stands for."""

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
    jobs: Sequence[ProofJob],
    ended: Callable[[ProofJob, list[ProofVerdict], float], None],
    processes: int = 2,
    tick: Callable[[], None] = lambda: None,
) -> None:
    """Run `jobs` in their order, `processes` at a time; report the verdicts of each and the time it took.

    `tick` is called several times a second.
    """

    def report(index: int, how: Ended) -> None:
        ended(jobs[index], jobs[index].read(how), how.seconds)

    runner.run([job.task for job in jobs], report, tick=lambda _running: tick(), processes=processes)
