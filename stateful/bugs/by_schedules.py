"""Finding a seeded bug by schedules: how many it takes, over many seeds, and the smallest program that shows it."""

import itertools
import statistics
from collections.abc import Callable
from typing import Final, NamedTuple

from stateful.bugs.seeded import ScheduleSearch, SeededBug, by_name
from stateful.schedules import policies
from stateful.schedules.run import Execution, choices, execute
from stateful.schedules.scenarios import SCENARIOS
from stateful.schedules.scheduler import Policy
from stateful.schedules.search import DEPTHS
from stateful.schedules.shrink import smallest
from stateful.schedules.strategies import look
from stateful.schedules.token import encode

SEEDS: Final = 30
MOST: Final = 1000
"""Schedules after which a bug counts as missed."""

EXAMPLES_MOST: Final = 3000
JOINT: Final = "leak_when_failed_and_lost"
"""The bug that needs an operation, a fault and an order together."""
JOINT_SEEDS: Final = 9


class ScheduleDetection(NamedTuple):
    """Account of how a bug was found."""

    bug: SeededBug
    schedules: tuple[int, ...]
    """Per seed, MOST when it was missed."""
    breaks: str
    """The property that is broken; "" when the bug was missed."""
    token: str
    """Of a program that shows it."""
    search: ScheduleSearch

    @property
    def median(self) -> float:
        """Schedules until it is found."""
        return statistics.median(self.schedules)

    @property
    def good(self) -> bool:
        """True when it is found soon enough, by a property it is expected to break."""
        return self.median <= self.search.within and self.breaks in self.bug.breaks


class Joint(NamedTuple):
    """The programs to which the seeds of one bug shrink."""

    tokens: tuple[str, ...]
    """Per seed, "" when it was missed."""
    first: tuple[int, ...]
    """The example that first showed it."""

    @property
    def good(self) -> bool:
        """True when all seeds shrink to the same program."""
        return len(set(self.tokens)) == 1 and "" not in self.tokens


def judge_joint(name: str, seeds: int, report: Callable[[str], None] | None = None) -> Joint:
    """Let Hypothesis search for a bug with `seeds` seeds, program, faults and schedule together."""
    found = []
    with by_name(name).applied():
        for seed in range(seeds):
            if report is not None:
                report(f"joint, seed {seed + 1} of {seeds}")
            found.append(look(seed, EXAMPLES_MOST))
    return Joint(
        tuple(encode(each.finding.what) if each.finding else "" for each in found), tuple(each.first for each in found)
    )


def judge(
    name: str, seeds: int = SEEDS, report: Callable[[str], None] | None = None, *, shrink: bool = True
) -> ScheduleDetection:
    """Search for a bug with `seeds` seeds; with `shrink`, the token is that of the smallest program."""
    bug = by_name(name)
    assert bug.search is not None, f"{name} needs no schedule"
    what = SCENARIOS[bug.search.scenario]
    points = choices(what)
    first: Execution | None = None
    counts = []
    with bug.applied():
        for seed in range(seeds):
            if report is not None:
                report(f"seed {seed + 1} of {seeds}")
            for count in itertools.count(1):
                played = execute(what, _policy(bug.search.policy, seed * MOST + count, points))
                found = played.found in bug.breaks
                if found:
                    first = first or played
                if found or count == MOST:
                    counts.append(count)
                    break
        small = smallest(first) if first is not None and shrink else first
    return ScheduleDetection(
        bug, tuple(counts), small.found if small else "", encode(small.what) if small else "", bug.search
    )


def _policy(kind: str, number: int, points: int) -> Policy:
    if kind == "random":
        return policies.random_walk(number)
    return policies.pct(number, depth=DEPTHS[number % len(DEPTHS)], points=points)
