"""Searching all standard scenarios: under every schedule of few preemptions, or under random ones."""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from stateful.common.seldom import seldom_collecting
from stateful.schedules.policies import exhaust, pct, random_walk
from stateful.schedules.program import TaskProgram
from stateful.schedules.run import Execution, choices, execute
from stateful.schedules.scenarios import SCENARIOS
from stateful.schedules.scheduler import Policy
from stateful.schedules.shrink import smallest
from stateful.schedules.token import encode
from stateful.seam.option import on_command_line

DEPTHS: Final = (2, 3, 4, 5)


class ScheduleFinding(NamedTuple):
    """The smallest program that shows what a schedule broke."""

    scenario: str
    found: str
    """The property, or the kind of error."""
    again: str
    """The command that replays it."""

    @property
    def line(self) -> str:
        """The finding in a line."""
        return f"{self.scenario}: {self.found}: {self.again}"


class SearchResult(NamedTuple):
    """The result of a search."""

    scenarios: int = 0
    schedules: int = 0
    points: int = 0
    findings: tuple["ScheduleFinding", ...] = ()

    def and_then(self, other: "SearchResult") -> "SearchResult":
        """Add a search of the same scenarios."""
        return SearchResult(
            max(self.scenarios, other.scenarios),
            self.schedules + other.schedules,
            self.points + other.points,
            (*self.findings, *other.findings),
        )


def finding(name: str, played: Execution) -> ScheduleFinding:
    """Return a finding, with the token of the smallest program that shows it."""
    small = smallest(played)
    return ScheduleFinding(name, small.found, f"python -m stateful replay {encode(small.what)}{on_command_line()}")


def exhaustively(bound: int, report: Callable[[str], None]) -> SearchResult:
    """Run every scenario under every schedule of at most `bound` preemptions, as far as its first finding."""
    total = SearchResult()
    for name in SCENARIOS:
        total = total.and_then(exhaust_one(name, bound, report))
    return total._replace(scenarios=len(SCENARIOS))


@seldom_collecting()
def exhaust_one(name: str, bound: int, report: Callable[[str], None]) -> SearchResult:
    """Run one scenario under every schedule of at most `bound` preemptions, as far as its first finding."""
    what = SCENARIOS[name]
    schedules = points = 0
    for attempt in exhaust(bound):
        played = execute(what, attempt.policy)
        attempt.schedule = played.schedule
        schedules, points = schedules + 1, points + played.points
        if played.error is not None:
            return SearchResult(1, schedules, points, (finding(name, played),))
        if schedules % 50 == 0:
            report(f"{name}: {schedules:,} schedules of at most {bound} preemptions")
    return SearchResult(1, schedules, points)


def policies(seed: int, what: TaskProgram) -> Iterable[Policy]:
    """Return the random policies of a seed."""
    return random_walk(seed), pct(seed, depth=DEPTHS[seed % len(DEPTHS)], points=choices(what))


@seldom_collecting()
def randomly(seeds: Iterable[int], report: Callable[[str], None]) -> SearchResult:
    """Run every scenario under random walks and PCT of several depths."""
    schedules = points = 0
    found: list[ScheduleFinding] = []
    for seed in seeds:
        for name, what in SCENARIOS.items():
            for policy in policies(seed, what):
                played = execute(what, policy)
                schedules, points = schedules + 1, points + played.points
                if played.error is not None:
                    found.append(finding(name, played))
        report(f"{schedules:,} random schedules")
    return SearchResult(len(SCENARIOS), schedules, points, tuple(dict.fromkeys(found)))
