"""That the text for any size says of a device of a fixed size what the specification says, piece by piece.

A clause may rely on the clauses before it: to look up what has a block says the same as to count what has it, where
every field is in its range. And where the additional rows are not what a search finds, a clause says no less.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, cached_property, partial
from typing import Final

from spec.model.actions import Action
from spec.model.invariant import CLAUSES, inv
from spec.model.properties import EVERY_STEP, work_left
from spec.model.state import State
from spec.model.terms import every
from spec.prove.obligations import Sizes, admitted, one_can_move
from spec.prove.obligations import fresh as fresh_state
from spec.prove.unbounded.clauses import CLAUSES as SAID
from spec.prove.unbounded.conditions import DEVICE, Given, ProofCondition, SymbolicStep, conjoined, fresh, of_their_own
from spec.prove.unbounded.count import COUNTED
from spec.prove.unbounded.fixed import SIZES, device, device_with_any_additional_rows
from spec.prove.unbounded.properties import EVERY_STEP as STEPS_SAID
from spec.prove.unbounded.properties import alike
from spec.prove.unbounded.quiescence import COUNTED as COUNTED_AS_WORK
from spec.prove.unbounded.quiescence import one_can_move as found_to_move
from spec.prove.unbounded.quiescence import work_left as work_found
from spec.prove.unbounded.rows import SymbolicDevice
from spec.prove.unbounded.transitions import Move
from spec.prove.z3_terms import any_state, unknown

EQUAL: Final = "equal at"

Claim = Callable[[], bool]


def possible_at() -> str:
    """Return the name of the layer of possibilities."""
    return f"possible at {SIZES[0].label()}"


def possibilities(actions: Iterable[Action], moves: Mapping[str, Move]) -> Iterator[Given]:
    """Yield that the invariant holds of some device of a fixed size; and for each action, of one that can take it."""
    s = any_state(SIZES[0])
    found, holds = device(s), cache(partial(inv, s))
    yield Given(holds, (ProofCondition(possible_at(), DEVICE, inv.__name__, None),))
    for action in admitted(SIZES[0], actions):
        can = ProofCondition(possible_at(), action.name, "guard", None)
        yield Given(partial(conjoined, holds, SymbolicStep(found, action, moves[action.name]).guarded), (can,))


def equalities(sizes: Sizes, actions: Iterable[Action], moves: Mapping[str, Move]) -> Iterator[Given]:
    """Yield the conditions for one size."""
    layer, s, possible = f"{EQUAL} {sizes.label()}", any_state(sizes), admitted(sizes, actions)
    found, holds = device(s), cache(partial(inv, s))
    yield from _clauses(layer, s, found)
    claims = _of_the_device(s, found, possible, moves)
    yield Given(holds, tuple(ProofCondition(layer, DEVICE, name, claim) for name, claim in claims.items()))
    for action in possible:
        both = _Both(s, found, action, moves[action.name])
        guard = ProofCondition(layer, action.name, "guard", both.same_guard)
        yield Given(partial(conjoined, holds, both.step.sized), (guard,))
        same = tuple(ProofCondition(layer, action.name, name, claim) for name, claim in both.claims().items())
        yield Given(partial(conjoined, holds, both.step.guarded), same)


def _clauses(layer: str, s: State, found: SymbolicDevice) -> Iterator[Given]:
    any_rows = device_with_any_additional_rows(s)
    clauses = [cache(partial(clause, s)) for clause in CLAUSES]
    said_of_any = [cache(partial(clause, any_rows)) for clause in SAID]
    for k, (clause, said) in enumerate(zip(CLAUSES, SAID, strict=True)):
        name = clause.__name__
        assert said.__name__ == name, "clauses are in the same order"
        same = ProofCondition(layer, DEVICE, name, partial(_equal, clauses[k], partial(said, found)))
        yield Given(partial(conjoined, *clauses[:k]), (same,))
        no_less = ProofCondition(layer, DEVICE, f"{name}, whatever the additional rows", clauses[k])
        yield Given(partial(conjoined, *said_of_any[: k + 1]), (no_less,))


def _equal(one: Claim, other: Claim) -> bool:
    return one() == other()


def _of_the_device(
    s: State, found: SymbolicDevice, actions: list[Action], moves: Mapping[str, Move]
) -> Mapping[str, Claim]:
    sizes, enabled, limit = found.sizes, unknown("enabled"), unknown("limit")
    first = device(fresh_state(sizes, enabled, limit))
    own = of_their_own(actions)
    return {
        "fresh": lambda: alike(first, (), fresh(sizes, enabled, limit)),
        work_left.__name__: lambda: work_left(s) == work_found(found),
        one_can_move.__name__: lambda: one_can_move(sizes, s, actions) == found_to_move(found, moves, own),
    }


class _Both:
    """A step as both texts have it."""

    def __init__(self, s: State, found: SymbolicDevice, action: Action, move: Move) -> None:
        self.s, self.action = s, action
        self.step = SymbolicStep(found, action, move)

    @cached_property
    def after(self) -> State:
        """The state after the step, as the specification has it."""
        return self.action.effect(self.s, *self.step.args)

    @cached_property
    def found(self) -> SymbolicDevice:
        """The same, as a device."""
        return device(self.after)

    def claims(self) -> Mapping[str, Claim]:
        """Return what is claimed of the step where both allow it."""
        mine = [each.holds for each in EVERY_STEP if self.action.name in each.actions]
        of_the_step = {claim.__name__: partial(self.same_claim, claim) for claim in mine}
        return {"effect": self.same_effect, "recount": self.same_recount, **of_the_step}

    def same_guard(self) -> bool:
        """Return whether both allow the step, or both refuse it."""
        args = self.step.args
        return self.action.guard(self.s, *args) == self.step.move.guard(self.step.before, *args)

    def same_effect(self) -> bool:
        """Return whether both make the same of the device."""
        return alike(self.found, (), self.step.after)

    def same_recount(self) -> bool:
        """Return whether the numbers after the step are what a recount finds."""
        counted = COUNTED if self.action.actor == "user" else (*COUNTED, *COUNTED_AS_WORK)
        return every([self.step.after.recount(each) == self.found.recount(each) for each in counted])

    def same_claim(self, claim: Callable[[State, tuple[int, ...], State], bool]) -> bool:
        """Return whether a step property says the same of both."""
        args = self.step.args
        said = STEPS_SAID[claim.__name__](self.step.before, args, self.step.after)
        return claim(self.s, args, self.after) == said
