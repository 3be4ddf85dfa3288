"""Scheduling policies: run-to-block, round-robin, random, PCT, replay, exhaustive up to a preemption bound."""

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from stateful.schedules.scheduler import Policy, SchedulingChoice


def steady(_ready: Sequence[int], _can_run: bool) -> int:
    """Run to block: keep the current task until it has to wait."""
    return 0


def round_robin(_ready: Sequence[int], can_run: bool) -> int:
    """Switch to another task whenever one can run."""
    return 1 if can_run else 0


def random_walk(seed: int) -> Policy:
    """Choose a task uniformly at random, every time."""
    bits = random.Random(seed).getrandbits

    def choose(ready: Sequence[int], _can_run: bool) -> int:
        # As `randrange`, which takes three calls more.
        options = len(ready)
        width = options.bit_length()
        while (drawn := bits(width)) >= options:
            pass
        return drawn

    return choose


def replay(taken: Sequence[int]) -> Policy:
    """Take the choices of a schedule again, then run steadily."""
    left = iter(taken)
    return lambda ready, _can_run: min(next(left, 0), len(ready) - 1)


def sparse(preemptions: Mapping[int, int]) -> Policy:
    """Run steadily but for some choices, by their number: option 0 there is no preemption at all."""
    number = -1

    def choose(ready: Sequence[int], _can_run: bool) -> int:
        nonlocal number
        number += 1
        return preemptions.get(number, 0) % len(ready)

    return choose


def pct(seed: int, depth: int, points: int) -> Policy:
    """Give every task a random priority, and lower the running one's at `depth - 1` of about `points` choices.

    Finds a bug that `depth` ordered steps suffice for with a probability that does not depend on anything else
    (Burckhardt et al., A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs, ASPLOS 2010).
    """
    chance = random.Random(seed)
    changes = sorted(chance.randrange(max(points, 1)) for _ in range(depth - 1))
    priority: dict[int, float] = {}
    number, lowest = -1, 0.0

    def choose(ready: Sequence[int], _can_run: bool) -> int:
        nonlocal number, lowest
        number += 1
        for task in ready:
            priority.setdefault(task, chance.random())
        first = max(ready, key=priority.__getitem__)
        while changes and changes[0] <= number:
            changes.pop(0)
            lowest -= 1.0
            priority[first] = lowest
            first = max(ready, key=priority.__getitem__)
        return ready.index(first)

    return choose


class NondeterminismError(AssertionError):
    """The same schedule did not lead to the same run: something outside of the policy decides."""


def parting(first: Sequence[object], second: Sequence[object]) -> str:
    """Return where two sequences differ first, "" when they do not."""
    for number, (one, other) in enumerate(zip_longest(first, second)):
        if one != other:
            return f"number {number} is {_said(one)} once and {_said(other)} then"
    return ""


def _said(what: object) -> str:
    return "nothing" if what is None else str(what)


class Attempt:
    """One schedule of an exhaustive search: its first choices are given, the others are 0."""

    def __init__(self, prefix: list[SchedulingChoice]) -> None:
        self.prefix = prefix
        self.schedule: Sequence[SchedulingChoice] | None = None

    @property
    def policy(self) -> Policy:
        """The policy that leads to it."""
        return replay([choice.taken for choice in self.prefix])


def exhaust(bound: int) -> Iterator[Attempt]:
    """Yield one attempt after another until every schedule of at most `bound` preemptions was run.

    The caller runs each attempt's policy and then stores the resulting schedule in the attempt.

    Raises:
        NondeterminismError: The first choices of a schedule did not come up again as they had before.
    """
    stack: list[list[SchedulingChoice]] = [[]]
    while stack:
        attempt = Attempt(stack.pop())
        yield attempt
        assert attempt.schedule is not None, "an attempt is run before the next is asked for"
        apart = parting(attempt.prefix, attempt.schedule[: len(attempt.prefix)])
        if apart:
            raise NondeterminismError(f"the same choices do not lead to the same: choice {apart}")
        used = 0
        for position, choice in enumerate(attempt.schedule):
            if position >= len(attempt.prefix) and used + choice.preempts <= bound:
                before = list(attempt.schedule[:position])
                stack.extend([*before, choice._replace(taken=other)] for other in range(1, choice.options))
            used += choice.preempts and choice.taken > 0
