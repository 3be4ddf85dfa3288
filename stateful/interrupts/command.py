"""`python -m stateful interrupts`: every public call interrupted at every point, or with `--quick` at some.

Exit code 0: the device was sound each time. 1: it was not.
"""

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from rich.console import Console

from spec.outputs.verdicts import FAILED, PASSED, Check, Finding, Verdicts, place_of, rule_name
from spec.processes.progress import share
from stateful.interrupts.search import (
    EVERYWHERE,
    EXCEPTIONS,
    NAMES,
    InterruptSearch,
    UnsoundPoint,
    Where,
    search,
    summed,
)
from stateful.interrupts.worlds import Maker, making
from stateful.jobs.progress import ProgressDisplay, ProgressLine, say
from stateful.jobs.report import chosen

_SECONDS: Final = (0, 1, 2, 3, 5, 8, 13, 21)
"""Points at which a second exception arrives, in points counted from the first."""


class Round(NamedTuple):
    """One way to interrupt a call."""

    call: str
    exception: str
    where: Where


def rounds(names: list[str], exceptions: list[str]) -> Iterator[Round]:
    """Yield everything there is: each exception at every point, and pairs of interrupts."""
    for exception in exceptions:
        yield from (Round(name, exception, EVERYWHERE) for name in names)
    for second in _SECONDS:
        yield from (Round(name, exceptions[0], Where(second=second)) for name in names)


def quick_rounds(names: list[str]) -> Iterator[Round]:
    """Yield some of it: every exception at points that are spread over each call."""
    for number, (exception, second) in enumerate(_QUICK):
        for name in names:
            step = _LONG_STEP if name in LONG else _STEP
            yield Round(name, exception, Where((number * 3) % step, step, second))


LONG: Final = frozenset(
    {
        "NodeFile.pread", "NodeFile.pwrite", "block_state", "no threads: close", "no threads: reset",
        "no threads: writeback", "read_pages_into", "snapshot", "waiting: block_state",
        "waiting for a pass: recompress", "waiting for a pass: stats", "waiting for a pass: writeback",
    }
)  # fmt: skip
"""Calls of many points that are all alike, or that wait."""
_STEP: Final = 11
_LONG_STEP: Final = 97
_QUICK: Final = (
    ("KeyboardInterrupt", None), ("TimeoutError", None), ("Exception", None), ("KeyboardInterrupt", 1),
    ("KeyboardInterrupt", 4),
)  # fmt: skip


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's."""
    parser = commands.add_parser("interrupts", help="raise at every point of every public call: the device stays sound")
    parser.add_argument("names", nargs="*", metavar="CALL", help="which calls, by the beginning of their names (all)")
    parser.add_argument("--exception", choices=EXCEPTIONS, help="what is raised (each)")
    parser.add_argument("--quick", action="store_true", help="at some of the points")
    parser.set_defaults(do=interrupts)


def interrupts(asked: argparse.Namespace, console: Console) -> int:
    """Interrupt the calls, print the points of each and what is wrong, and return the exit code."""
    names = [name for name in NAMES if not asked.names or name.startswith(tuple(asked.names))]
    if not names:
        chosen(asked.parser, asked.names, NAMES, "call")
    exceptions = [asked.exception] if asked.exception else list(EXCEPTIONS)
    todo = [*(quick_rounds(names) if asked.quick else rounds(names, exceptions))]
    began, points, found = time.monotonic(), dict.fromkeys(names, 0), list[UnsoundPoint]()
    number = 0
    try:
        with making() as make, ProgressDisplay(asked.loud) as drawing:
            for number, each in enumerate(todo):
                seconds = time.monotonic() - began
                text = f"rounds: {share(number, len(todo), seconds)}, {len(found)} wrong; {each.call}, {each.exception}"
                drawing.show([ProgressLine("interrupts", seconds, text)])
                searched = do(each, make)
                points[each.call] += searched.points
                found += searched.found
    except KeyboardInterrupt:
        _note(asked, points, found)
        _say_points(points, found, console)
        say(console, f"{number:,} of {len(todo):,} rounds were made")
        raise
    _note(asked, points, found)
    _say_points(points, found, console)
    say(
        console,
        f"{sum(points.values()):,} points in {len(names)} calls, {len(found)} wrong, {time.monotonic() - began:.0f} s",
    )
    return int(bool(found))


def _note(asked: argparse.Namespace, points: Mapping[str, int], found: Sequence[UnsoundPoint]) -> None:
    """Note each call as a check, and what was wrong at a point of it as a finding."""
    verdicts: Verdicts = asked.verdicts
    for name, number in points.items():
        mine = [each for each in found if each.call == name]
        again = f'{asked.parser.prog} "{name}"'
        findings = tuple(
            Finding(rule_name(problem.partition(":")[0]), problem, each.text, again, place_of(search))
            for each in mine
            for problem in each.problems
        )
        verdicts.add(Check(name, FAILED if findings else PASSED, f"{number:,} points", 0.0, findings=findings))


def _say_points(points: Mapping[str, int], found: Sequence[UnsoundPoint], console: Console) -> None:
    for name, number in points.items():
        say(console, f"{number:>7,} points  {name}")
    for text in summed(found):
        say(console, text)


def do(each: Round, make: Maker) -> InterruptSearch:
    """Interrupt one call in one way."""
    return search(each.call, make, EXCEPTIONS[each.exception], each.where)
