"""`python -m stateful machine`: a device and the specification side by side, programs drawn and shrunk by Hypothesis.

Exit code 0: no difference. 1: a difference; the smallest program that shows it is printed.
"""

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console

from spec.processes.options import add_processes, add_seconds, add_seed, count
from spec.processes.progress import share
from stateful.jobs.report import run
from stateful.jobs.runner import Job, JobResult, Report
from stateful.lockstep.run_machine import Until, machines, run_machine
from stateful.seam.option import add_device

EXAMPLES: Final = 500


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's."""
    parser = commands.add_parser("machine", help="a device and the specification, compared after every step")
    parser.add_argument(
        "--examples", type=count, default=EXAMPLES, metavar="N", help=f"programs of each machine ({EXAMPLES})"
    )
    parser.add_argument(
        "--examples-in", type=Path, metavar="DIR", help="keep what fails there, and try it first (kept nowhere)"
    )
    add_seed(parser, "where the generator begins")
    add_seconds(parser, "for each machine at most", None)
    add_processes(parser)
    add_device(parser, "machine", ["events"])
    parser.set_defaults(do=machine)


def machine(asked: argparse.Namespace, console: Console) -> int:
    """Run every machine that fits the device, each in a process, and return the exit code."""
    until = Until(asked.examples, asked.seconds or Until().seconds, exact=True)
    todo = [Job(name, partial(check, name, until, asked.seed, asked.examples_in)) for name in machines()]
    return run(todo, asked, console)


def check(name: str, until: Until, seed: int, kept: Path | None, report: Report) -> JobResult:
    """Run one machine as a job of the command line."""
    began = time.monotonic()
    campaign = run_machine(
        machines()[name],
        until,
        number=seed,
        examples=kept,
        report=lambda runs, steps: report(
            f"{share(min(runs, until.examples), until.examples, time.monotonic() - began)}, {steps:,} steps"
        ),
    )
    what = f"{campaign.runs:,} runs, {campaign.steps:,} steps, each compared"
    if campaign.finding is None:
        return JobResult(good=True, what=what)
    program = getattr(campaign.finding, "__notes__", [])
    return JobResult(good=False, what=campaign.found, details="\n    ".join([str(campaign.finding), *program]))
