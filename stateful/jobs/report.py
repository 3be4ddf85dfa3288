"""Running jobs for a command: the table at the end, what is wrong in full, the verdicts, and the exit code."""

import argparse
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from spec.outputs.verdicts import FAILED, PASSED, Check, Finding, Verdicts, place_of, rule_name
from stateful.jobs import runner
from stateful.jobs.progress import say
from stateful.jobs.runner import Done, Job, JobsInterrupted

PROCESSES: Final = 2
"""Jobs at a time, where the command line says nothing of it."""


def chosen(
    parser: argparse.ArgumentParser, names: Sequence[str], known: Sequence[str], what: str = "variant"
) -> list[str]:
    """Return those of `known` that were named, all of them when none was; what is unknown ends the program."""
    unknown = sorted(set(names) - set(known))
    if unknown:
        parser.error(f"there is no {what} {', '.join(unknown)}; there are {', '.join(known)}")
    return [name for name in known if name in names or not names]


def run(todo: Sequence[Job], asked: argparse.Namespace, console: Console, worth_seeing: Sequence[str] = ()) -> int:
    """Run jobs, print the table and the details of those that went wrong or are worth seeing; return the exit code.

    Each job is a check of `asked.verdicts`.
    """
    try:
        done: Sequence[Done] = runner.run(todo, asked.loud, vars(asked).get("processes", PROCESSES))
    except JobsInterrupted as interrupt:
        if interrupt.done:
            _print(interrupt.done, asked, console, worth_seeing)
        say(console, f"{len(interrupt.done)} of {len(todo)} checks were made")
        raise
    _print(done, asked, console, worth_seeing)
    return _last_word(done, console)


def _print(done: Sequence[Done], asked: argparse.Namespace, console: Console, worth_seeing: Sequence[str]) -> None:
    verdicts: Verdicts = asked.verdicts
    for each in done:
        verdicts.add(check_of(each))
        if each.verdict.details and (each.job.name in worth_seeing or not each.verdict.good):
            say(console, f"\n{each.job.name}: {each.verdict.details}")
    console.print()
    console.print(table(done))


def check_of(done: Done) -> Check:
    """Return a job that ended as a check. A finding without a place of its own is where the job is written."""
    verdict, place = done.verdict, place_of(getattr(done.job.run, "func", done.job.run))
    findings = verdict.findings
    if not verdict.good and not findings:
        findings = (Finding(rule_name(done.job.name), verdict.what, verdict.details),)
    placed = tuple(each if each.place else each._replace(place=place) for each in findings)
    word = PASSED if verdict.good else FAILED
    return Check(done.job.name, word, verdict.what, done.seconds, verdict.details, placed if word == FAILED else ())


def _last_word(done: Sequence[Done], console: Console) -> int:
    wrong = [each.job.name for each in done if not each.verdict.good]
    if wrong:
        say(console, f"FAILED: {', '.join(wrong)}")
        return 1
    say(console, "passed")
    return 0


def table(done: Sequence[Done]) -> Table:
    """Return a table of jobs, a row each."""
    drawn = Table()
    drawn.add_column("check", no_wrap=True)
    drawn.add_column("result", no_wrap=True)
    drawn.add_column("what", overflow="fold")
    drawn.add_column("seconds", justify="right", no_wrap=True)
    for job, verdict, seconds in done:
        word = Text("passed", style="green") if verdict.good else Text("FAILED", style="red")
        drawn.add_row(job.name, word, Text(verdict.what), f"{seconds:.1f}")
    return drawn
