"""`python -m stateful threads`: threads run free on a device, and some order must explain all that they saw.

Exit code 0: nothing is wrong. 1: no order explains it, or something is left over.
"""

import argparse
from functools import partial
from typing import Final

from rich.console import Console

from spec.processes.options import add_seconds, add_seed
from stateful.jobs.report import run
from stateful.jobs.runner import Job, JobResult, Report
from stateful.seam.chosen import is_ours
from stateful.seam.option import add_device
from stateful.stress import device_threads, free_threads

SECONDS: Final = 5.0


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's."""
    parser = commands.add_parser("threads", help="threads that run free: is what they saw linearizable?")
    add_seconds(parser, "for how long", SECONDS)
    add_seed(parser, "what the threads do")
    add_device(parser, "threads")
    parser.set_defaults(do=threads)


def threads(asked: argparse.Namespace, console: Console) -> int:
    """Let threads run, and return the exit code."""
    return run([Job("threads", partial(check, asked.seconds, asked.seed))], asked, console)


def check(seconds: float, seed: int, report: Report) -> JobResult:
    """Run threads as a job of the command line."""
    tried = free_threads.run if is_ours() else device_threads.run
    account = tried(seconds, report, seed=seed)
    what = (
        f"{account.passes} passes wrote {account.result.written:,} pages, {account.result.lost:,} lost in flight; "
        f"{account.shared:,} operations on shared pages, each page's in some order"
    )
    return JobResult(not account.problems, what, "\n".join(account.problems))
