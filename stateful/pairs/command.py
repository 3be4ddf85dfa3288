"""`python -m stateful guards`: every access held to the table of guards, every public call beside every other.

Exit code 0: all as declared. 1: something was found, and a line says how to play it again.
"""

import argparse
from functools import partial
from itertools import groupby
from typing import Final

from rich.console import Console

from spec.processes.options import add_processes
from stateful.guards.hooks import installed
from stateful.jobs.progress import say
from stateful.jobs.report import chosen, run
from stateful.jobs.runner import Job
from stateful.pairs import checks
from stateful.pairs.calls import CALLS
from stateful.pairs.explore import Meeting, meet
from stateful.pairs.states import BY_NAME

SCENARIO_SEEDS: Final = 20
_NOBODY: Final = ""
"""In the place of the second call of a meeting, when one is made alone."""


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's."""
    parser = commands.add_parser("guards", help="hold every access to its lock, and every call beside every other")
    parser.add_argument("states", nargs="*", metavar="STATE", help=f"which (all of them): {', '.join(BY_NAME)}")
    parser.add_argument("--quick", action="store_true", help="what `check` does of it")
    parser.add_argument(
        "--meeting",
        nargs=5,
        metavar=("STATE", "CALL", "CALL", "STOPS", "AT"),
        help="play one meeting of two calls again",
    )
    add_processes(parser)
    parser.set_defaults(do=guards, usage=parser)


def guards(asked: argparse.Namespace, console: Console) -> int:
    """Check, print what was found, and return the exit code."""
    if asked.meeting is not None:
        return _play(_meeting(asked.usage, *asked.meeting), console)
    if asked.quick:
        return run([Job("guards", checks.guards)], asked, console)
    names = chosen(asked.usage, asked.states, list(BY_NAME), "state")
    todo = [Job(name, partial(checks.every_pair, name)) for name in names]
    if not asked.states:
        todo.append(Job("standard scenarios", partial(checks.scenarios, SCENARIO_SEEDS)))
    return run(todo, asked, console)


def _meeting(usage: argparse.ArgumentParser, state: str, first: str, second: str, stops: str, at: str) -> Meeting:
    """Read a meeting."""
    chosen(usage, [state], list(BY_NAME), "state")
    chosen(usage, [name for name in (first, second) if name != _NOBODY], list(CALLS), "call")
    if stops not in ("0", "1") or not at.isdecimal():
        usage.error(f"STOPS must be 0 or 1, and AT a number of points, got {stops!r} and {at!r}")
    return Meeting(state, (first, second), int(stops), int(at))


def _play(meeting: Meeting, console: Console) -> int:
    """Play a meeting and print who was at which point, in what order, and the verdict."""
    judge = checks.judge()
    found = ""
    with installed(judge):
        try:
            meet(meeting, judge)
        except Exception as error:  # what was found is a result
            found = f"{type(error).__name__}: {error}"
    for task, points in groupby(judge.trace, key=lambda point: point[0]):
        say(console, f"{task:16} {', '.join(where for _task, where in points)}")
    say(console, f"verdict  {f'FAILED {found}' if found else 'passed'}")
    return int(bool(found))
