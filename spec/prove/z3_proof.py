"""Proves the conditions with z3, on the text of the specification itself.

The functions are called with terms instead of ints (see `z3_terms`), and z3 is asked for a state, reachable or not,
in which the invariant holds, the action can be taken, and what is claimed of the step is not so.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

import z3

from spec.explore.trace import state
from spec.model.actions import ACTIONS, Action
from spec.model.invariant import CLAUSES, inv
from spec.model.state import State
from spec.prove.counterexample import witness as drawn
from spec.prove.obligations import (
    Sizes,
    admitted,
    allowed,
    claims,
    fresh,
    one_can_move,
    parameters,
    sensible,
    sized,
    timely,
)
from spec.prove.verdict import CONFIRMED, REFUTED, ProofVerdict
from spec.prove.z3_terms import any_state, found, truth, unknown
from spec.restated.tables_say import RULES

DEVICE: Final = "device"
"""Stands, among the names of actions, for what is proved of the device as such."""

_BEGINS: Final = [f"{DEVICE}: begins with {clause.__name__}" for clause in CLAUSES]
_TABLES: Final = [f"{DEVICE}: {rule.__name__}" for rule in RULES]
_RESTS: Final = f"{DEVICE}: {one_can_move.__name__}"
_MILLISECONDS: Final = 60_000


def prove(sizes: Sizes, actions: Sequence[Action] = ACTIONS, names: Sequence[str] = ()) -> Iterator[ProofVerdict]:
    """Yield a verdict on every condition; with `names`, on those of these actions only."""
    s = any_state(sizes)
    holds = inv(s)
    if not names or DEVICE in names:
        yield from _begins(sizes)
        claim = one_can_move(sizes, s, actions)
        yield Premise(holds).prove(_RESTS, claim, lambda model: f"nothing can move\n{state(found(model, s))}")
    for action in admitted(sizes, actions):
        if not names or action.name in names:
            yield from _keeps(sizes, action, s, holds)


def conditions(sizes: Sizes, names: Sequence[str]) -> list[str]:
    """Return the conditions that `prove` has a verdict on."""
    chosen = [action for action in admitted(sizes) if action.name in names]
    of_actions = [f"{action.name}: {claim.name}" for action in chosen for claim in (*claims(action), *timely(action))]
    return [*_BEGINS, *_TABLES, _RESTS] * (DEVICE in names) + of_actions


def _begins(sizes: Sizes) -> Iterator[ProofVerdict]:
    enabled, limit = unknown("enabled"), unknown("limit")
    first = fresh(sizes, enabled, limit)
    given = Premise(sensible(enabled, limit))
    for name, clause in zip(_BEGINS, CLAUSES, strict=True):
        yield given.prove(name, clause(first), lambda model: state(found(model, first)))
    for name, rule in zip(_TABLES, RULES, strict=True):
        yield given.prove(name, rule(), partial(_said, rule.__doc__ or ""))


def _said(sentence: str, _model: z3.ModelRef) -> str:
    return sentence


def _keeps(sizes: Sizes, action: Action, before: State, holds: bool) -> Iterator[ProofVerdict]:
    args = tuple([unknown(name) for name in parameters(action)])
    after = action.effect(before, *args)
    given = Premise(holds & allowed(sizes, action, before, args))

    def show(model: z3.ModelRef) -> str:
        return drawn(action.name, *found(model, (args, before, after)))

    for claim in claims(action):
        yield given.prove(f"{action.name}: {claim.name}", claim.holds(before, args, after), show)
    anywhere = Premise(holds & sized(sizes, action, args))
    for claim in timely(action):
        yield anywhere.prove(f"{action.name}: {claim.name}", claim.holds(before, args, before), show)


class Premise:
    """Something assumed, and whether it can be."""

    def __init__(self, assumed: bool) -> None:
        self._solver = z3.Solver()
        self._solver.set("timeout", _MILLISECONDS)
        self._solver.add(truth(assumed))
        answer = self._solver.check()
        self._vacuity = (
            REFUTED if answer == z3.sat else self._other(answer, "vacuous: nothing satisfies what is assumed")
        )

    def prove(self, name: str, claim: bool, show: Callable[[z3.ModelRef], str]) -> ProofVerdict:
        """Return the verdict on a claim."""
        began = time.perf_counter()
        self._solver.push()
        self._solver.add(z3.Not(truth(claim)))
        answer = self._solver.check()
        refuted = answer == z3.sat
        witness = show(self._solver.model()) if refuted else ""
        said = REFUTED if refuted else self._other(answer, CONFIRMED)
        self._solver.pop()
        return ProofVerdict(name, said, self._vacuity, time.perf_counter() - began, witness)

    def _other(self, answer: z3.CheckSatResult, unsatisfiable: str) -> str:
        return unsatisfiable if answer == z3.unsat else f"no answer: {self._solver.reason_unknown()}"
