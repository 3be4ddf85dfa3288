"""Proves with z3 that numbers do not matter: what a search with symmetry rests on.

From every state in which the invariant holds, for every action and every swap of two neighbouring slots, blocks,
requests or readers: the swapped step can be taken from the swapped state when the step can be taken, leads to the
swapped state after it, and has every step property that the step has. A swapped state has every clause of the
invariant, as much left to do, and is at rest when the state is. Every other permutation is some swaps in turn, each
from a state in which the invariant holds.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import z3

from spec.explore.permutation import Permutation, arguments, permuted, swaps
from spec.explore.trace import state
from spec.model.actions import ACTIONS, Action
from spec.model.invariant import CLAUSES, inv
from spec.model.properties import EVERY_STEP, at_rest, work_left
from spec.model.state import State
from spec.model.terms import every, implies, same
from spec.prove.counterexample import witness as drawn
from spec.prove.obligations import Sizes, admitted, allowed, parameters, sized, timely
from spec.prove.verdict import ProofVerdict
from spec.prove.z3_proof import DEVICE, Premise
from spec.prove.z3_terms import any_state, found, unknown
from spec.restated.frame import frame

_OF_A_STATE: Final = (*CLAUSES, work_left, at_rest)


def prove(sizes: Sizes, actions: Sequence[Action] = ACTIONS, names: Sequence[str] = ()) -> Iterator[ProofVerdict]:
    """Yield a verdict on every condition; with `names`, on those of these actions only."""
    s = any_state(sizes)
    holds = inv(s)
    if not names or DEVICE in names:
        yield from _states(sizes, s, holds)
    for action in admitted(sizes, actions):
        if not names or action.name in names:
            yield from _steps(sizes, action, s, holds)


def conditions(sizes: Sizes, names: Sequence[str]) -> list[str]:
    """Return the conditions that `prove` has a verdict on."""
    of_states = [_of_a_state(piece.__name__, row) for row in _swapped(sizes) for piece in _OF_A_STATE]
    chosen = [action for action in admitted(sizes) if action.name in names]
    of_steps = [of(action, row) for action in chosen for row in _swapped(sizes) for of in (_of_a_guard, _of_a_step)]
    return of_states * (DEVICE in names) + of_steps


def _of_a_state(what: str, row: str) -> str:
    return f"{DEVICE}: {what} with other numbers of {row}"


def _of_a_guard(action: Action, row: str) -> str:
    return f"{action.name}: possible as before with other numbers of {row}"


def _of_a_step(action: Action, row: str) -> str:
    return f"{action.name}: the same step with other numbers of {row}"


def _swapped(sizes: Sizes) -> dict[str, list[Permutation]]:
    """Return the swaps there are, by row."""
    rows: dict[str, list[Permutation]] = {}
    for row, to in swaps(*sizes):
        rows.setdefault(row, []).append(to)
    return rows


def _states(sizes: Sizes, s: State, holds: bool) -> Iterator[ProofVerdict]:
    given = Premise(holds)
    for row, to in _swapped(sizes).items():
        there = [permuted(s, each) for each in to]
        for piece in CLAUSES:
            claim = every([piece(other) for other in there])
            yield given.prove(_of_a_state(piece.__name__, row), claim, lambda model: state(found(model, s)))
        for measure in (work_left, at_rest):
            claim = every([measure(other) == measure(s) for other in there])
            yield given.prove(_of_a_state(measure.__name__, row), claim, lambda model: state(found(model, s)))


def _steps(sizes: Sizes, action: Action, before: State, holds: bool) -> Iterator[ProofVerdict]:
    args = tuple([unknown(name) for name in parameters(action)])
    after = action.effect(before, *args)
    anywhere = Premise(holds & sized(sizes, action, args))
    given = Premise(holds & allowed(sizes, action, before, args))

    def show(model: z3.ModelRef) -> str:
        return drawn(action.name, *found(model, (args, before, after)))

    for row, to in _swapped(sizes).items():
        claim = every([_as_possible(action, before, args, each) for each in to])
        yield anywhere.prove(_of_a_guard(action, row), claim, show)
        claim = every([_same_step(action, before, args, after, each) for each in to])
        yield given.prove(_of_a_step(action, row), claim, show)


def _as_possible(action: Action, before: State, args: tuple[int, ...], to: Permutation) -> bool:
    there, its_args = permuted(before, to), arguments(action.over, args, to)
    said = [claim.holds(there, its_args, there) == claim.holds(before, args, before) for claim in timely(action)]
    return (action.guard(there, *its_args) == action.guard(before, *args)) & every(said)


def _same_step(action: Action, before: State, args: tuple[int, ...], after: State, to: Permutation) -> bool:
    there, its_args, then = permuted(before, to), arguments(action.over, args, to), permuted(after, to)
    steps = [*(step for step in EVERY_STEP if action.name in step.actions), *frame(action)]
    kept = [implies(step.holds(before, args, after), step.holds(there, its_args, then)) for step in steps]
    return same(action.effect(there, *its_args), then) & every(kept)
