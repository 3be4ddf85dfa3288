"""`python -m stateful metamorphic`: generated programs, each run in several ways that must agree.

Exit code 0: they agree. 1: they differ.
"""

import argparse
import time

from rich.console import Console

from spec.outputs.verdicts import FAILED, PASSED, Check, Finding, Verdicts, place_of, shown
from spec.processes.options import add_seed, count
from spec.processes.progress import share
from stateful.jobs.progress import ProgressDisplay, ProgressLine, say
from stateful.metamorphic.independence import ProgramCampaign, run
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
    what = f"{campaign.programs:,} programs in {campaign.runs:,} runs, {campaign.passes:,} passes"
    verdicts: Verdicts = asked.verdicts
    verdicts.add(_check_of(campaign, f"{asked.parser.prog} --programs {programs} --seed {seed}", what, began))
    if campaign.finding is not None:
        say(console, "\n".join([str(campaign.finding), *getattr(campaign.finding, "__notes__", [])]))
    say(console, f"{what} with {campaign.failed:,} failed writes: {shown(campaign.finding is None)}")
    return 1 if campaign.finding else 0


def _check_of(campaign: ProgramCampaign, again: str, what: str, began: float) -> Check:
    seconds, found = time.monotonic() - began, campaign.finding
    if found is None:
        return Check("metamorphic", PASSED, what, seconds)
    details = "\n".join([str(found), *getattr(found, "__notes__", [])])
    finding = Finding("the_runs_of_a_program_agree", str(found).partition("\n")[0], details, again, place_of(run))
    return Check("metamorphic", FAILED, what, seconds, details, (finding,))
