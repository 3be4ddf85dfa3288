"""`python -m stateful check | mutants`: hold specification and implementation together.

Exit code 0 clean, 1 found something, 2 usage, 130 interrupted.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from rich.console import Console

from stateful import checks, jobs, zoo
from stateful.jobs import Done, Job


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m stateful", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="the main job: everything, in about a minute")
    mutants = commands.add_parser("mutants", help="put bugs back and catch them")
    mutants.add_argument("names", nargs="*", metavar="NAME", help=f"which (all of them): {', '.join(zoo.names())}")
    asked = parser.parse_args(arguments)
    if asked.command == "mutants":
        unknown = sorted(set(asked.names) - set(zoo.names()))
        if unknown:
            parser.error(f"there is no variant {', '.join(unknown)}; there are {', '.join(zoo.names())}")
        names = asked.names or zoo.names()
        return run([Job(name, partial(checks.variant, name)) for name in names], every_detail=True)
    return run(checks.JOBS, every_detail=False)


def run(todo: Sequence[Job], *, every_detail: bool) -> int:
    """Run jobs, print details and the table, return the exit code."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        done = jobs.run(todo, console)
    except KeyboardInterrupt:
        console.print("interrupted: nothing is left running or on disk", style="yellow")
        return 130
    for each in done:
        if each.verdict.details and (every_detail or not each.verdict.good or each.job.name == "variants"):
            console.print(f"\n{each.job.name}: {each.verdict.details}", markup=False, highlight=False, soft_wrap=True)
    console.print()
    console.print(jobs.table(done))
    return verdict(done, console)


def verdict(done: Sequence[Done], console: Console) -> int:
    """Say the last word."""
    wrong = [each.job.name for each in done if not each.verdict.good]
    if wrong:
        console.print(f"[red]wrong:[/] {', '.join(wrong)}")
        return 1
    console.print("[green]all is well[/]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
