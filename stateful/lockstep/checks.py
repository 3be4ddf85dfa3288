"""The machines that run device and specification step by step, as a job."""

from functools import partial
from typing import Final

from stateful.jobs.runner import JobResult, Report
from stateful.lockstep.machine import MACHINES
from stateful.lockstep.run_machine import Until, run_machine

MACHINE_SECONDS: Final = 8.0


def stateful(report: Report) -> JobResult:
    """Let each machine look for a difference between the device and the specification."""
    runs = steps = 0
    until = Until(seconds=MACHINE_SECONDS / len(MACHINES))

    def progress(name: str, runs: int, steps: int) -> None:
        report(f"{name}: {runs} runs, {steps:,} steps")

    for number, machine in enumerate(MACHINES):
        campaign = run_machine(machine, until, number=number * 1000, report=partial(progress, machine.__name__))
        runs, steps = runs + campaign.runs, steps + campaign.steps
        if campaign.finding is not None:
            program = getattr(campaign.finding, "__notes__", [])
            details = "\n    ".join([str(campaign.finding), *program])
            return JobResult(good=False, what=f"{machine.__name__}: {campaign.found}", details=details)
    return JobResult(good=True, what=f"{runs:,} runs, {steps:,} steps of a device on a real file, each compared")
