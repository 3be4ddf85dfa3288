"""`python -m stateful metamorphic`: generated programs, each run in several ways that must agree.

Exit code 0: they agree. 1: they differ.
"""

import argparse
import time

from rich.console import Console

from spec.processes.options import add_seed, count
from spec.processes.progress import share
from stateful.jobs.progress import ProgressDisplay, ProgressLine, say
from stateful.metamorphic.independence import run
from stateful.seam.option import add_device


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's."""
    parser = commands.add_parser("metamorphic", help="run generated programs in several ways that must agree")
    parser.add_argument("--programs", type=count, default=1000, metavar="N", help="how many to generate (1000)")
    add_seed(parser, "where the generator begins")
    add_device(parser, "metamorphic", ["batch"])
    parser.set_defaults(do=metamorphic)


def metamorphic(asked: argparse.Namespace, console: Console) -> int:
    """Run programs, print the counts, and return the exit code."""
    programs: int = asked.programs
    seed: int = asked.seed
    began, agreed = time.monotonic(), 0
    with ProgressDisplay(asked.loud) as drawing:

        def report(done: int) -> None:
            nonlocal agreed
            agreed, seconds = done, time.monotonic() - began
            drawing.show([ProgressLine("metamorphic", seconds, f"programs: {share(done, programs, seconds)}")])

        try:
            campaign = run(programs, seed, report)
        except KeyboardInterrupt:
            drawing.clear()
            say(console, f"{agreed:,} of {programs:,} programs agreed")
            raise
    if campaign.finding is not None:
        say(console, "\n".join([str(campaign.finding), *getattr(campaign.finding, "__notes__", [])]))
    say(
        console,
        f"{campaign.programs:,} programs in {campaign.runs:,} runs, {campaign.passes:,} passes with "
        f"{campaign.failed:,} failed writes: {'FAILED' if campaign.finding else 'passed'}",
    )
    return 1 if campaign.finding else 0
