"""Proof obligations, in the words of the specification; the provers are in `crosshair_run` and `z3_proof`.

From every state in which the invariant holds, reachable or not, every action keeps every clause of the invariant, has
the step properties that speak about it, and, if it is the pass's or the device's, leaves less to do. Until they are at
rest, one of those can be taken. And the invariant holds of a fresh device. Together: the invariant holds of every
state that can be reached, and if users stop, the system reaches quiescence.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from spec.model.actions import ACTIONS, Action
from spec.model.invariant import CLAUSES, Clause, inv
from spec.model.properties import EVERY_STEP, MOVES_TOWARDS_REST, at_rest, work_left
from spec.model.state import Budget, State, initial
from spec.model.terms import bit, count, every, within
from spec.restated.enabled import as_it_should
from spec.restated.frame import frame


class Sizes(NamedTuple):
    """Sizes of the device that a proof is about: the one thing in it that is not arbitrary."""

    slots: int
    blocks: int
    requests: int
    readers: int = 0

    def label(self) -> str:
        """Return the sizes as they are usually written."""
        readers = f", {self.readers} reader{'s'[: self.readers - 1]}" if self.readers else ""
        return f"{self.slots}/{self.blocks}/{self.requests}{readers}"


class Claim(NamedTuple):
    """Something said of every step of an action: of the state before, the parameters and the state after."""

    name: str
    holds: Callable[[State, tuple[int, ...], State], bool]


def parameters(action: Action) -> tuple[str, ...]:
    """Return what an action's parameters are: slot, block, request, reader, huge, limit."""
    return tuple(over.removeprefix("free_").removeprefix("idle_") for over in action.over)


def admitted(sizes: Sizes, actions: Iterable[Action] = ACTIONS) -> list[Action]:
    """Return the actions that a device of these sizes can take."""
    return [action for action in actions if sizes.readers or "reader" not in parameters(action)]


def possible(sizes: Sizes, action: Action, s: State, args: tuple[int, ...]) -> bool:
    """Return whether the invariant holds of `s` and the action can be taken there: what every proof assumes."""
    return inv(s) & allowed(sizes, action, s, args)


def allowed(sizes: Sizes, action: Action, s: State, args: tuple[int, ...]) -> bool:
    """Return whether the action can be taken in `s` with these parameters."""
    return sized(sizes, action, args) & action.guard(s, *args)


def sized(sizes: Sizes, action: Action, args: tuple[int, ...]) -> bool:
    """Return whether the parameters of an action are in range."""
    return every([_in_range(sizes, what, value) for what, value in zip(parameters(action), args, strict=True)])


def _in_range(sizes: Sizes, what: str, value: int) -> bool:
    if what == "limit":
        return value >= 0
    return within(0, value, (1 if what == "huge" else getattr(sizes, f"{what}s") - 1))


def claims(action: Action) -> list[Claim]:
    """Return all that is claimed of an action."""
    changed = [Claim(step.holds.__name__, step.holds) for step in frame(action)]
    return [*(_afterwards(clause) for clause in CLAUSES), *claims_on_the_step(action), *changed]


def claims_on_the_step(action: Action) -> list[Claim]:
    """Return what is claimed of an action besides that it keeps the invariant."""
    found = [Claim(step.holds.__name__, step.holds) for step in EVERY_STEP if action.name in step.actions]
    return found if action.actor == "user" else [*found, Claim(MOVES_TOWARDS_REST[0], _less_is_left)]


def timely(action: Action) -> Sequence[Claim]:
    """Return what is claimed of the states in which an action can be taken, as claims on a step to nowhere.

    Of a seeded bug nothing is claimed: it is another action of the same name.
    """
    return [Claim(as_it_should.__name__, lambda s, args, _same: as_it_should(action, s, args))] * (action in ACTIONS)


def as_claimed(action: Action, before: State, args: tuple[int, ...], after: State) -> bool:
    """Return whether all that is claimed of the step besides is so."""
    return every([claim.holds(before, args, after) for claim in claims_on_the_step(action)])


def _afterwards(clause: Clause) -> Claim:
    return Claim(clause.__name__, lambda _before, _args, after: clause(after))


def _less_is_left(before: State, _args: tuple[int, ...], after: State) -> bool:
    return work_left(after) < work_left(before)


def one_can_move(sizes: Sizes, s: State, actions: Iterable[Action] = ACTIONS) -> bool:
    """Return whether something is left to do, and then whether the pass or the device can do it."""
    moves = [action.guard(s, *args) for action, args in _moves(sizes, actions)]
    return (work_left(s) >= 0) & (at_rest(s) | (count(moves) > 0))


def _moves(sizes: Sizes, actions: Iterable[Action]) -> Iterator[tuple[Action, tuple[int, ...]]]:
    for action in admitted(sizes, actions):
        if action.actor != "user":
            ranges = [range(getattr(sizes, f"{what}s")) for what in parameters(action)]
            yield from ((action, args) for args in itertools.product(*ranges))


def fresh(sizes: Sizes, enabled: int, limit: int) -> State:
    """Return a device that nothing has happened to."""
    budget = Budget(enabled, limit, grant=1, granted=limit)
    return initial(sizes.slots, sizes.blocks, sizes.requests, 0, sizes.readers)._replace(budget=budget)


def sensible(enabled: int, limit: int) -> bool:
    """Return whether a device can begin with this budget."""
    return bit(enabled) & (limit >= 0)
