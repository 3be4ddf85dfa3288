"""`python -m stateful COMMAND`: hold specification and device together. `--help` names the commands.

Exit code 0 clean, 1 found something, 2 usage, 130 interrupted.
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial

from rich.console import Console

from stateful import checks, jobs, zoo
from stateful import trace_commands as traces
from stateful.conformance import command as conformance
from stateful.drawing import say, table
from stateful.jobs import Done, Job
from stateful.metamorphic import command as metamorphic
from stateful.schedules.replaying import replay
from stateful.schedules.scenarios import THEMES
from stateful.schedules.token import BadTokenError


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m stateful",
        description="Hold specification and implementation together.",
        epilog="Exit code 0: all is well. 1: something was found. 2: called wrongly. 130: interrupted.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="the main job: everything, in about a minute")
    mutants = commands.add_parser("mutants", help="put bugs back and catch them")
    mutants.add_argument("names", nargs="*", metavar="NAME", help=f"which (all of them): {', '.join(zoo.names())}")
    replaying = commands.add_parser("conformance", help="replay what a real kernel was recorded to answer, and compare")
    conformance.add_arguments(replaying)
    same = commands.add_parser("metamorphic", help="run generated programs in several ways that must come to the same")
    metamorphic.add_arguments(same)
    again = commands.add_parser("replay", help="play a token again: lanes per task, preemptions marked, the verdict")
    again.add_argument("token", metavar="TOKEN")
    every = commands.add_parser("schedules", help="the standard scenarios under every schedule of few preemptions")
    every.add_argument("--preemptions", type=int, default=2, metavar="N", help="at most N preemptions (2)")
    traces.add_commands(commands)
    asked = parser.parse_args(arguments)
    do: Callable[[argparse.Namespace, Console], int] | None = getattr(asked, "do", None)
    if do is not None:
        return here(partial(do, asked))
    if asked.command in ("trace-check", "trace-record"):
        return _trace(asked)
    if asked.command == "replay":
        return _replay(parser, asked.token)
    if asked.command == "schedules":
        if asked.preemptions < 0:
            parser.error(f"--preemptions {asked.preemptions} is below 0")
        themes = [Job(theme, partial(checks.every_schedule_of, theme, asked.preemptions)) for theme in THEMES]
        return run(themes, worth_seeing=list(THEMES))
    if asked.command == "check":
        return run(checks.JOBS, worth_seeing=checks.WORTH_SEEING)
    unknown = sorted(set(asked.names) - set(zoo.names()))
    if unknown:
        parser.error(f"there is no variant {', '.join(unknown)}; there are {', '.join(zoo.names())}")
    names = [name for name in zoo.names() if name in asked.names or not asked.names]
    return run([Job(name, partial(checks.variant, name)) for name in names], worth_seeing=names)


def here(do: Callable[[Console], int]) -> int:
    """Do something in this process and return the exit code."""
    console = Console()
    try:
        return do(console)
    except KeyboardInterrupt:
        say(console, "interrupted: nothing is left running or on disk")
        return 130


def _trace(asked: argparse.Namespace) -> int:
    console = Console()
    try:
        if asked.command == "trace-check":
            return traces.trace_check(asked.file, console)
        return traces.trace_record(asked.file, asked.seconds, console)
    except KeyboardInterrupt:
        say(console, "interrupted: nothing is left running")
        return 130


def _replay(parser: argparse.ArgumentParser, token: str) -> int:
    console = Console()
    try:
        return 0 if replay(token, lambda text: say(console, text)) else 1
    except BadTokenError as error:
        parser.error(str(error))


def run(todo: Sequence[Job], worth_seeing: Sequence[str] = ()) -> int:
    """Run jobs, print the table and the details of those that went wrong or are worth seeing; return the exit code."""
    console = Console()
    try:
        done = jobs.run(todo, console)
    except KeyboardInterrupt:
        say(console, "interrupted: nothing is left running or on disk")
        return 130
    for each in done:
        if each.verdict.details and (each.job.name in worth_seeing or not each.verdict.good):
            say(console, f"\n{each.job.name}: {each.verdict.details}")
    console.print()
    console.print(table(each.row for each in done))
    return _last_word(done, console)


def _last_word(done: Sequence[Done], console: Console) -> int:
    wrong = [each.job.name for each in done if not each.verdict.good]
    if wrong:
        say(console, f"wrong: {', '.join(wrong)}")
        return 1
    say(console, "all is well")
    return 0
