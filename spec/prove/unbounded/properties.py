"""Every step of a device of any size: `spec.model.properties`, for a solver; and whether two devices are alike."""

from typing import Final

from spec.model.state import DONE_OK, FLIGHT
from spec.model.tables import PP_SLOT, STORED, WB
from spec.model.terms import every, implies, no, same
from spec.prove.unbounded.rows import BLOCKS, READERS, REQUESTS, SLOTS, SymbolicDevice, each


def _makes_it_wb(before: SymbolicDevice, args: tuple[int, ...], after: SymbolicDevice) -> bool:
    q = before.reqs(args[0])
    due = (q.phase == DONE_OK) & (before.slots(q.slot).kind == PP_SLOT)
    slot = after.slots(q.slot)
    return implies(due, (slot.kind == WB) & (slot.blk == q.blk))


def _changes_nothing_but_the_claim(before: SymbolicDevice, args: tuple[int, ...], after: SymbolicDevice) -> bool:
    q = before.reqs(args[0])
    slot = before.slots(q.slot)
    kept = slot.kind == PP_SLOT
    released = implies(no(q.phase == DONE_OK), same(after.slots(q.slot), slot._replace(kind=STORED)))
    untouched = each(before, SLOTS, lambda i: same(after.slots(i), before.slots(i)))
    return implies(kept, released) & implies(no(kept), untouched)


def _keeps_what_is_in_flight(before: SymbolicDevice, _args: tuple[int, ...], after: SymbolicDevice) -> bool:
    def request(r: int) -> bool:
        i = before.reqs(r).slot
        kept = (after.reqs(r).slot == i) & (after.slots(i).kind == before.slots(i).kind)
        return implies(before.reqs(r).phase == FLIGHT, kept)

    return each(before, REQUESTS, request)


def _is_sound(before: SymbolicDevice, args: tuple[int, ...], _after: SymbolicDevice) -> bool:
    return before.readers(args[0]).sound == 1


def alike(before: SymbolicDevice, _args: tuple[int, ...], after: SymbolicDevice) -> bool:
    """Return whether nothing that `State` knows is different."""
    rows = (
        each(before, SLOTS, lambda i: same(after.slots(i), before.slots(i)) & (after.queued(i) == before.queued(i))),
        each(before, BLOCKS, lambda b: same(after.blocks(b), before.blocks(b))),
        each(before, REQUESTS, lambda r: same(after.reqs(r), before.reqs(r))),
        each(before, READERS, lambda k: same(after.readers(k), before.readers(k))),
    )
    numbers = [(s.running, s.held, s.budget, s.counts) for s in (before, after)]
    return every([*rows, same(*numbers)])


EVERY_STEP: Final = {
    "a_good_write_of_an_unchanged_slot_makes_it_wb": _makes_it_wb,
    "a_failed_write_changes_nothing_but_the_claim": _changes_nothing_but_the_claim,
    "a_pp_slot_is_released_after_its_request_completed": _keeps_what_is_in_flight,
    "a_read_ends_with_a_value_the_page_held": _is_sound,
    "a_refusal_changes_nothing": alike,
}
