"""Properties of EVERY STEP, and quiescence; those of every state are in `invariant`.

A step property sees the state before, the parameters of the action and the state after. It is listed with the
actions it speaks about. Its docstring is its sentence.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from spec.model.actions import ACTIONS
from spec.model.state import ASKED, AT_REST, DONE_OK, FLIGHT, SCANNING, WRITING, State
from spec.model.tables import PP_SLOT, STORED, WB
from spec.model.terms import at, choose, count, every, implies, no, same
from spec.model.transitions import loop_over


class StepProperty(NamedTuple):
    """A property of single steps."""

    holds: Callable[[State, tuple[int, ...], State], bool]
    actions: tuple[str, ...]
    """The actions it speaks about."""
    reads: tuple[str, ...]
    """The fields it looks at besides those the action touches: it is evaluated once per combination of values."""
    keeps: str = ""
    """The field of which it says that it stays as it is, if it says no more than that."""


def a_good_write_of_an_unchanged_slot_makes_it_wb(before: State, args: tuple[int, ...], after: State) -> bool:
    """a successful write of a slot that kept its claim makes it written back, with that block"""
    q = at(before.reqs, args[0])
    due = (q.phase == DONE_OK) & (at(before.slots, q.slot).kind == PP_SLOT)
    slot = at(after.slots, q.slot)
    return implies(due, (slot.kind == WB) & (slot.blk == q.blk))


def a_failed_write_changes_nothing_but_the_claim(before: State, args: tuple[int, ...], after: State) -> bool:
    """a failed write leaves its slot as it was, without the claim; a lost write does not touch its slot"""
    q = at(before.reqs, args[0])
    slot = at(before.slots, q.slot)
    kept = slot.kind == PP_SLOT
    released = (q.phase == DONE_OK) | same(at(after.slots, q.slot), slot._replace(kind=STORED))
    return implies(kept, released) & implies(no(kept), same(after.slots, before.slots))


def a_pp_slot_is_released_after_its_request_completed(before: State, _args: tuple[int, ...], after: State) -> bool:
    """no step of the pass or of the device takes a pp_slot away from a request that is not answered, or twice"""
    flying = [q.phase == FLIGHT for q in before.reqs]
    slots = [choose(f, q.slot, 0) for f, q in zip(flying, before.reqs, strict=True)]
    owned = [new.slot == old.slot for old, new in zip(before.reqs, after.reqs, strict=True)]
    claimed = [at(after.slots, i).kind == at(before.slots, i).kind for i in slots]
    return every([implies(f, o & c) for f, o, c in zip(flying, owned, claimed, strict=True)])


def a_read_ends_with_a_value_the_page_held(before: State, args: tuple[int, ...], _after: State) -> bool:
    """a read ends with bytes that the page contained while the read ran"""
    return at(before.readers, args[0]).sound == 1


def a_refusal_changes_nothing(before: State, _args: tuple[int, ...], after: State) -> bool:
    """what is refused changes nothing"""
    return same(before, after)


def work_left(s: State) -> int:
    """Count what the pass and the device still have to do: a measure that each of their steps lowers."""
    more = no(loop_over(s)) & (s.running == WRITING)
    per_phase = (2 * more, 1, 9, 4, 4)
    held = choose(s.held >= 0, 1, 2 * more)
    io = sum([at((0, 2, 1, 1), b.io) for b in s.blocks]) + count([r.phase == ASKED for r in s.readers])
    requests = sum([at(per_phase, q.phase) + q.inside for q in s.reqs])
    running = at((0, 10 + 20 * len(s.slots) + 2 * len(s.reqs), 5), s.running)
    unscanned = 20 * count([x.kind == STORED for x in s.slots]) * (s.running == SCANNING)
    return running + unscanned + 17 * sum(s.queued) + held + requests + io


def at_rest(s: State) -> bool:
    """Return whether neither the pass nor the device has anything to do."""
    return (s.running == AT_REST) & every([no(r.phase == ASKED) for r in s.readers])


_WRITEBACK: Final = tuple(a.name for a in ACTIONS if a.actor != "user")

EVERY_STEP: Final = (
    StepProperty(a_good_write_of_an_unchanged_slot_makes_it_wb, ("reap",), ("slots", "reqs")),
    StepProperty(a_failed_write_changes_nothing_but_the_claim, ("reap",), ("slots", "reqs")),
    StepProperty(a_pp_slot_is_released_after_its_request_completed, _WRITEBACK, ("slots", "reqs")),
    StepProperty(a_read_ends_with_a_value_the_page_held, ("read_end", "read_keep", "read_kept"), ("readers",)),
    StepProperty(a_refusal_changes_nothing, ("refuse_pass",), ()),
)

# Name and sentence; a search checks them itself, because they speak about every step there is.
QUIESCENT: Final = ("reaches_quiescence", "if users stop, the pass or the device can act until the system is quiescent")
MOVES_TOWARDS_REST: Final = ("moves_towards_rest", "if users stop, every step lowers the work left until quiescence")
REST: Final = (QUIESCENT, MOVES_TOWARDS_REST)
