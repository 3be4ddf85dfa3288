"""Proof obligations for a device of any size.

The conditions are those of `prove.obligations`, and that nothing is counted differently but where an action says so.
With a device of a fixed size instead, they are the same conditions for that size.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, cached_property, partial
from typing import Final, NamedTuple

from spec.model.actions import Action
from spec.model.properties import EVERY_STEP as STEPS
from spec.model.properties import MOVES_TOWARDS_REST
from spec.model.state import AT_REST, Block, Budget, Counts, Reader, Req, Slot
from spec.model.tables import NONE
from spec.model.terms import every, within
from spec.prove.obligations import Sizes, one_can_move, parameters, sensible
from spec.prove.unbounded.clauses import CLAUSES, inv
from spec.prove.unbounded.count import COUNTED, counted_alike, with_recount
from spec.prove.unbounded.properties import EVERY_STEP
from spec.prove.unbounded.quiescence import COUNTED as COUNTED_AS_WORK
from spec.prove.unbounded.quiescence import less_is_left
from spec.prove.unbounded.quiescence import one_can_move as found_to_move
from spec.prove.unbounded.rows import CountedKind, Owner, SymbolicDevice, inside
from spec.prove.unbounded.transitions import Change, Move
from spec.prove.z3_terms import unknown

DEVICE: Final = "device"
"""Stands, among the names of actions, for what is proved of the device as such."""

BEGINS, KEEPS, RECOUNTS, STEP, RESTS = "begins", "keeps", "recounts", "every step", "quiescence"


class ProofCondition(NamedTuple):
    """Something to be proved: of which kind, of which action, what."""

    layer: str
    action: str
    clause: str
    claim: Callable[[], bool] | None
    """None claims that what is assumed can be so."""


class Given(NamedTuple):
    """Something assumed, and the conditions that rest on it."""

    assumed: Callable[[], bool]
    conditions: tuple[ProofCondition, ...]


class SymbolicStep:
    """A step: the device before, the parameters, the device after."""

    def __init__(self, before: SymbolicDevice, action: Action, move: Move) -> None:
        self.before, self.action, self.move = before, action, move
        self.args = tuple([unknown(name) for name in parameters(action)])

    @cached_property
    def change(self) -> Change:
        """The change that the action makes."""
        return self.move.change(self.before, *self.args)

    @cached_property
    def after(self) -> SymbolicDevice:
        """The device after the step."""
        return with_recount(self.before, self.change)

    def sized(self) -> bool:
        """Return whether the parameters are in range."""
        return every([_is(self.before, what, x) for what, x in zip(parameters(self.action), self.args, strict=True)])

    def guarded(self) -> bool:
        """Return whether the action can be taken."""
        return self.sized() & self.move.guard(self.before, *self.args)


def _is(s: SymbolicDevice, what: str, value: int) -> bool:
    if what == "limit":
        return value >= 0
    return within(0, value, 1) if what == "huge" else inside(s, f"{what}s", value)


def conditions(before: SymbolicDevice, actions: Iterable[Action], moves: Mapping[str, Move]) -> Iterator[Given]:
    """Yield everything that is to be proved of a device."""
    steps = [SymbolicStep(before, action, moves[action.name]) for action in actions]
    holds = cache(lambda: sized(before.sizes) & inv(before))
    yield _begins(before.sizes)
    for step in steps:
        yield Given(partial(conjoined, holds, step.guarded), tuple(_of(step)))
    counted = partial(_numbers, before)
    own = of_their_own([step.action for step in steps])
    rests = ProofCondition(RESTS, DEVICE, one_can_move.__name__, partial(found_to_move, before, moves, own))
    yield Given(partial(conjoined, holds, counted), (rests,))
    for step in steps:
        if step.action.actor != "user":
            less = ProofCondition(RESTS, step.action.name, MOVES_TOWARDS_REST[0], partial(_less, step))
            alike = _recounts(step, COUNTED_AS_WORK)
            yield Given(partial(conjoined, holds, counted, step.guarded), (less, *alike))


def sized(sizes: Sizes) -> bool:
    """Return whether there is a slot, a block and a request; there need not be a reader."""
    return (sizes.slots >= 1) & (sizes.blocks >= 1) & (sizes.requests >= 1) & (sizes.readers >= 0)


def fresh(sizes: Sizes, enabled: int, limit: int) -> SymbolicDevice:
    """Return a device that nothing has happened to."""
    return SymbolicDevice(
        sizes,
        slots=lambda _i: Slot(),
        queued=lambda _i: 0,
        blocks=lambda _b: Block(),
        reqs=lambda _r: Req(),
        readers=lambda _k: Reader(),
        running=AT_REST,
        held=NONE,
        budget=Budget(enabled, limit, grant=1, granted=limit),
        counts=Counts(),
        owner=lambda _b: Owner(),
        carrier=lambda _i: NONE,
        taken=NONE,
        recount=lambda _counted: 0,
    )


def _begins(sizes: Sizes) -> Given:
    enabled, limit = unknown("enabled"), unknown("limit")
    first = fresh(sizes, enabled, limit)
    clauses = [ProofCondition(BEGINS, DEVICE, clause.__name__, partial(clause, first)) for clause in CLAUSES]
    nothing = Change(first, none_of=COUNTED)
    recounts = [
        ProofCondition(BEGINS, DEVICE, f"no {each.name}", partial(counted_alike, first, nothing, each))
        for each in COUNTED
    ]
    return Given(lambda: sized(sizes) & sensible(enabled, limit), (*clauses, *recounts))


def _of(step: SymbolicStep) -> Iterator[ProofCondition]:
    name = step.action.name
    for clause in CLAUSES:
        yield ProofCondition(KEEPS, name, clause.__name__, partial(_after, step, clause))
    yield from _recounts(step, COUNTED)
    for each in STEPS:
        if name in each.actions:
            yield ProofCondition(
                STEP, name, each.holds.__name__, partial(_holds, step, EVERY_STEP[each.holds.__name__])
            )


def _recounts(step: SymbolicStep, counted: Iterable[CountedKind]) -> Iterator[ProofCondition]:
    for each in counted:
        yield ProofCondition(RECOUNTS, step.action.name, each.name, partial(_counted, step, each))


def _after(step: SymbolicStep, clause: Callable[[SymbolicDevice], bool]) -> bool:
    return clause(step.after)


def _counted(step: SymbolicStep, counted: CountedKind) -> bool:
    return counted_alike(step.before, step.change, counted)


def _holds(step: SymbolicStep, claim: Callable[[SymbolicDevice, tuple[int, ...], SymbolicDevice], bool]) -> bool:
    return claim(step.before, step.args, step.after)


def _less(step: SymbolicStep) -> bool:
    return less_is_left(step.before, step.args, step.after)


def _numbers(s: SymbolicDevice) -> bool:
    return every([within(0, s.recount(each), getattr(s.sizes, each.row)) for each in COUNTED_AS_WORK])


def of_their_own(actions: Iterable[Action]) -> Mapping[str, tuple[str, ...]]:
    """Return the actions of the pass and of the device, and the rows that their parameters are in."""
    return {action.name: tuple(f"{x}s" for x in parameters(action)) for action in actions if action.actor != "user"}


def conjoined(*claims: Callable[[], bool]) -> bool:
    """Return whether all of these hold."""
    return every([claim() for claim in claims])
