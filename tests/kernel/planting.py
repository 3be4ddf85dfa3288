"""Plants lies in a trace that is accepted, one at a time, and says what becomes of each.

What is before a lie was followed already, so the judge continues from there. It stops where the lie is found, or where
everything that the rest is judged by is again what it is in the true trace: from there on nobody can tell them apart,
so the trace with the lie is a behaviour, too.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from stateful.traces.check import Worlds, judge, judge_end
from stateful.traces.policy import DRIVER, Deviation, Policy
from stateful.traces.schema import MalformedTrace, Trace, line_of, read
from tests.kernel.lies import Lie, Step, kinds

REJECTED: Final = "rejected"
DEVIATES: Final = "deviates"
"""Found as a deviation that the true trace does not have there."""
SAME: Final = "same again"
"""The state is that of the true trace again, and everything else that the rest is judged by."""
ANOTHER: Final = "another end"
"""Accepted, and ends in another state, in what the end of the trace does not say."""
OUTCOMES: Final = (REJECTED, DEVIATES, SAME, ANOTHER)
KEPT_EVERY: Final = 256
"""Events between two states of the true trace that a lie is compared with."""


class Planted(NamedTuple):
    """Lies of one kind, by what became of them."""

    kind: str
    outcomes: Counter[str]

    @property
    def planted(self) -> int:
        """Number of those that were planted."""
        return self.outcomes.total()

    @property
    def found(self) -> int:
        """Number of those that were found."""
        return self.outcomes[REJECTED] + self.outcomes[DEVIATES]


class UntrueError(ValueError):
    """The trace itself is not accepted, so nothing can be learned from lies in it."""


def measure(lines: Sequence[Step], each: int, seed: int = 0) -> Iterator[Planted]:
    """Plant `each` lies of every kind into a converted trace, fewer of one that it has no place for.

    Raises:
        UntrueError: The trace is not accepted under the driver's policy, or has no end.
    """
    truth = Truth(lines)
    drawn: list[tuple[str, Lie]] = []
    names = [*kinds(lines[0])]
    for name, draw in kinds(lines[0]).items():
        rng = random.Random(f"{seed} {name}")
        found = (draw(truth.steps, rng) for _ in range(each))
        drawn += [(name, lie) for lie in found if lie is not None]
    outcomes = {name: Counter[str]() for name in names}
    for name, outcome in truth.outcomes(sorted(drawn, key=lambda pair: pair[1].place)):
        outcomes[name][outcome] += 1
    return (Planted(name, outcomes[name]) for name in names)


class Truth:
    """A trace that is accepted, and what is known of it on the way.

    Attributes:
        steps: Its events.
        policy: Tolerates of the driver's deviations only those that it has.
    """

    def __init__(self, lines: Sequence[Step]) -> None:
        """Follow the trace once.

        Raises:
            UntrueError: It is not accepted under the driver's policy, or has no end.
        """
        self.steps = [line for line in lines if "does" in line]
        self._trace: Trace = read(json.dumps(line) for line in lines)
        self.policy = strictest(self._trace)
        worlds = Worlds(self._trace.header, self.policy)
        self._kept: dict[int, tuple[tuple[object, ...], int]] = {}
        """By place: all that the rest is judged by, and how many deviations there were before."""
        for place, line in enumerate(self._trace.lines):
            if not place % KEPT_EVERY:
                self._kept[place] = _judged_by(worlds), len(worlds.deviations)
            worlds.follow(line)
        self._deviations, self._last = worlds.deviations, _judged_by(worlds)

    def outcomes(self, lies: Sequence[tuple[str, Lie]]) -> Iterator[tuple[str, str]]:
        """Yield the kind of each lie and what becomes of it; they are in the order of their places."""
        worlds, at = Worlds(self._trace.header, self.policy), 0
        for name, lie in lies:
            for line in self._trace.lines[at : lie.place]:
                worlds.follow(line)
            at = lie.place
            yield name, self._outcome(worlds.fork(), lie)

    def _outcome(self, worlds: Worlds, lie: Lie) -> str:
        after = lie.place + lie.length
        try:
            said = [line_of(lie.place + 2, step, self._trace.header) for step in lie.said]
        except MalformedTrace:
            return REJECTED
        before = len(worlds.deviations)
        if any(worlds.follow(line) is not None for line in said):
            return REJECTED
        for place, line in enumerate(self._trace.lines[after:], start=after):
            if place in self._kept and self._kept[place][0] == _judged_by(worlds):
                return self._compared(worlds, self._deviations[before : self._kept[place][1]], before, SAME)
            if worlds.follow(line) is not None:
                return REJECTED
        end = self._trace.end
        if end is not None and judge_end(worlds, end, self._trace.lines) is not None:
            return REJECTED
        otherwise = SAME if _judged_by(worlds) == self._last else ANOTHER
        return self._compared(worlds, self._deviations[before:], before, otherwise)

    @staticmethod
    def _compared(worlds: Worlds, true: Sequence[Deviation], before: int, otherwise: str) -> str:
        found = Counter(each.name for each in worlds.deviations[before:])
        return DEVIATES if found - Counter(each.name for each in true) else otherwise


def _judged_by(worlds: Worlds) -> tuple[object, ...]:
    """Return all that the rest of a trace is judged by: grants by age, nothing of what only proofs look at."""
    (world,) = worlds.possible()
    state = world.state()
    budget = state.budget
    reqs = [req._replace(grant=req.grant and budget.grant - req.grant + 1) for req in state.reqs]
    return state._replace(reqs=tuple(reqs), budget=budget._replace(grant=0, granted=0, spent=0)), worlds.tracked


def strictest(trace: Trace) -> Policy:
    """Return the policy that tolerates of the driver's deviations only those that the trace has.

    Raises:
        UntrueError: It is not accepted under the driver's policy, or has no end.
    """
    judged = judge(trace, DRIVER)
    if judged.problem:
        raise UntrueError(f"a trace that is to be changed must be accepted and have an end, got {judged.problem}")
    seen = frozenset(each.name for each in judged.deviations)
    return Policy("those of the trace", seen, strict_give_up=True)
