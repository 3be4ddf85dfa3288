"""Field by field: which actions change it, and what it becomes; every other action leaves it alone.

Guards and effects say what an action does. This says the same the other way round, and with nothing of theirs (no
table, no helper): who changes this field, and to what? A mistake in either text makes them differ. What is counted
is not here, because a recount says what it has to be (`model.invariant`).

Each sentence is about what the field becomes, given the state before and the parameters of the action.
"""

from typing import Final, NamedTuple

from spec.footprint import Piece, footprint
from spec.model.actions import ACTIONS, Action
from spec.model.properties import StepProperty
from spec.model.state import (
    ANSWERED,
    ASKED,
    AT_REST,
    DONE_ERROR,
    DONE_OK,
    FLIGHT,
    HELD,
    IDLE,
    IO_ERROR,
    IO_OK,
    KEPT,
    PENDING,
    QUIET,
)

# isort: split
from spec.model.state import SCANNING, WRITING, Block, Budget, Reader, Req, Slot, State, initial
from spec.model.tables import EMPTY, NONE, PP_SLOT, SAME, STORED, WB
from spec.model.terms import at, choose, every, put, same

Rows = tuple[object, ...]

_NO_SLOT: Final = Slot(EMPTY, 0, 0, NONE)
_NO_BLOCK: Final = Block(0, QUIET, NONE)
_NO_REQUEST: Final = Req(IDLE, NONE, NONE, 0, 0)
_NO_READER: Final = Reader(IDLE, NONE, NONE, 0, 0)


def a_written_page_is_in_memory(s: State, i: int, huge: int) -> Rows:
    """a page that is written is in memory, without a claim, and its only mark is that it does not compress"""
    return put(s.slots, i, Slot(STORED, huge, 0, NONE))


def a_same_filled_page_is_one_word(s: State, i: int) -> Rows:
    """a same-filled page is same-filled, whatever it was, without claim and marks"""
    return put(s.slots, i, Slot(SAME, 0, 0, NONE))


def a_discarded_page_is_gone(s: State, i: int) -> Rows:
    """a page that is discarded is empty, without claim and marks"""
    return put(s.slots, i, _NO_SLOT)


def a_read_page_was_accessed(s: State, i: int) -> Rows:
    """a page that is read from memory is not idle any more and loses a claim on it, and nothing else"""
    x = at(s.slots, i)
    return put(s.slots, i, Slot(choose(x.kind == PP_SLOT, STORED, x.kind), x.huge, 0, x.blk))


def a_marked_page_is_idle(s: State, i: int) -> Rows:
    """marking a page idle does nothing but that"""
    x = at(s.slots, i)
    return put(s.slots, i, Slot(x.kind, x.huge, 1, x.blk))


def a_recompressed_page_lost_its_marks(s: State, i: int) -> Rows:
    """a page that is recompressed stays where it is, neither huge nor idle"""
    x = at(s.slots, i)
    return put(s.slots, i, Slot(x.kind, 0, 0, x.blk))


def a_page_is_not_idle_any_more(s: State, i: int) -> Rows:
    """taking an idle mark off does nothing but that, claimed or not"""
    x = at(s.slots, i)
    return put(s.slots, i, Slot(x.kind, x.huge, 0, x.blk))


def a_selected_page_is_claimed(s: State, i: int) -> Rows:
    """a page that is selected is claimed, and keeps its marks"""
    x = at(s.slots, i)
    return put(s.slots, i, Slot(PP_SLOT, x.huge, x.idle, x.blk))


def a_released_page_is_in_memory(s: State, i: int) -> Rows:
    """a candidate that is given up is in memory without the claim, and keeps its marks"""
    x = at(s.slots, i)
    return put(s.slots, i, Slot(STORED, x.huge, x.idle, x.blk))


def a_completed_page_is_where_it_was_put(s: State, r: int) -> Rows:
    """a completed write puts its page on its block if it succeeded and the claim was kept, else only the claim goes"""
    q = at(s.reqs, r)
    x = at(s.slots, q.slot)
    left = choose(q.phase == DONE_OK, Slot(WB, x.huge, 0, q.blk), Slot(STORED, x.huge, x.idle, x.blk))
    return put(s.slots, q.slot, choose(x.kind == PP_SLOT, left, x))


def a_reset_device_has_no_pages(s: State) -> Rows:
    """after a reset every slot is empty"""
    return (_NO_SLOT,) * len(s.slots)


def a_selected_page_is_a_candidate(s: State, i: int) -> Rows:
    """a page that is selected becomes a candidate"""
    return put(s.queued, i, 1)


def a_candidate_leaves_once(s: State, i: int, *_request: int) -> Rows:
    """a candidate that is submitted, skipped or given up is no candidate any more"""
    return put(s.queued, i, 0)


def a_page_replaced_is_on_no_block(s: State, i: int, *_huge: int) -> Rows:
    """a page that is replaced gives back its block, and what other blocks hold of it is not its content any more"""
    mine = at(s.slots, i).blk
    rows = [Block(x.used, x.io, choose(x.holds == i, NONE, x.holds)) for x in s.blocks]
    return tuple([choose(mine == b, _NO_BLOCK, x) for b, x in enumerate(rows)])


def a_reserved_block_is_in_use(s: State, b: int) -> Rows:
    """a block that is reserved is in use, and nothing is on it"""
    return put(s.blocks, b, Block(1, QUIET, NONE))


def a_submitted_block_is_being_written(s: State, i: int, _r: int) -> Rows:
    """a page that is submitted is on its way to the block that was held"""
    return put(s.blocks, s.held, Block(1, PENDING, i))


def a_held_block_is_given_back(s: State) -> Rows:
    """a block that was held and not used is free"""
    return put(s.blocks, s.held, _NO_BLOCK)


def a_completed_block_is_kept_or_given_back(s: State, r: int) -> Rows:
    """a completed write keeps its block if it succeeded and the claim was kept, else the block is free"""
    q = at(s.reqs, r)
    keeps = (q.phase == DONE_OK) & (at(s.slots, q.slot).kind == PP_SLOT)
    return put(s.blocks, q.blk, choose(keeps, at(s.blocks, q.blk), _NO_BLOCK))


def a_good_write_is_on_its_block(s: State, b: int) -> Rows:
    """a block that was written has what was sent to it"""
    x = at(s.blocks, b)
    return put(s.blocks, b, Block(x.used, IO_OK, x.holds))


def a_bad_write_leaves_nothing(s: State, b: int) -> Rows:
    """a block that could not be written has nobody's content"""
    return put(s.blocks, b, Block(at(s.blocks, b).used, IO_ERROR, NONE))


def an_answered_block_is_quiet(s: State, r: int) -> Rows:
    """a block whose write is answered is left in peace by the device"""
    b = at(s.reqs, r).blk
    x = at(s.blocks, b)
    return put(s.blocks, b, Block(x.used, QUIET, x.holds))


def a_reset_device_has_no_used_blocks(s: State) -> Rows:
    """after a reset every block is free"""
    return (_NO_BLOCK,) * len(s.blocks)


def a_taken_request_is_held(s: State, r: int) -> Rows:
    """a request that is taken is held, for no slot and no block yet"""
    return put(s.reqs, r, Req(HELD, NONE, NONE, 0, 0))


def a_submitted_request_is_in_flight(s: State, i: int, r: int) -> Rows:
    """a request that is submitted is in flight for its page with the held block, charged if there is a limit"""
    return put(s.reqs, r, Req(FLIGHT, i, s.held, choose(s.budget.enabled == 1, s.budget.grant, 0), 0))


def a_request_held_for_nothing_is_idle(s: State) -> Rows:
    """a request that was held and not used is idle"""
    return tuple([choose(q.phase == HELD, _NO_REQUEST, q) for q in s.reqs])


def a_completed_request_is_idle(s: State, r: int) -> Rows:
    """a request that is completed is idle and forgets everything"""
    return put(s.reqs, r, _NO_REQUEST)


def an_answered_request_is_queued_as_answered(s: State, r: int) -> Rows:
    """a request that is answered is done, well or badly as the device says, with its callback inside"""
    q = at(s.reqs, r)
    phase = choose(at(s.blocks, q.blk).io == IO_OK, DONE_OK, DONE_ERROR)
    return put(s.reqs, r, Req(phase, q.slot, q.blk, q.grant, 1))


def a_callback_that_leaves_is_outside(s: State, r: int) -> Rows:
    """a callback that leaves is not inside any more"""
    q = at(s.reqs, r)
    return put(s.reqs, r, Req(q.phase, q.slot, q.blk, q.grant, 0))


def a_read_that_began_knows_slot_and_block(s: State, i: int, k: int) -> Rows:
    """a read that begins knows its slot and the block it is on"""
    return put(s.readers, k, Reader(ASKED, i, at(s.slots, i).blk, 1, 1))


def an_answered_read_has_its_bytes(s: State, k: int) -> Rows:
    """a read that is answered is answered, and nothing else"""
    x = at(s.readers, k)
    return put(s.readers, k, Reader(ANSWERED, x.slot, x.blk, x.valid, x.sound))


def a_read_that_ended_is_gone(s: State, k: int) -> Rows:
    """a read that ends or begins again, and a page that is not kept any more, leaves nothing"""
    return put(s.readers, k, _NO_READER)


def a_read_page_that_is_kept_stays(s: State, k: int) -> Rows:
    """a page that is kept is kept with its slot and its block, and nothing else"""
    x = at(s.readers, k)
    return put(s.readers, k, Reader(KEPT, x.slot, x.blk, x.valid, x.sound))


def a_read_of_a_replaced_page_is_void(s: State, i: int, *_huge: int) -> Rows:
    """a read of a page that is replaced cannot be trusted, a kept one is wrong, and all others are as before"""
    void = [Reader(x.phase, x.slot, x.blk, 0, choose(x.phase == KEPT, 0, x.sound)) for x in s.readers]
    return tuple([choose(x.slot == i, new, x) for x, new in zip(s.readers, void, strict=True)])


def a_reset_device_keeps_no_page(s: State) -> Rows:
    """after a reset there is neither a read nor a kept page"""
    return (_NO_READER,) * len(s.readers)


def a_read_of_a_block_being_written_is_unsound(s: State, _i: int, _r: int) -> Rows:
    """a read that is not answered by the time its block is written to may get anything, others get what they would"""
    spoilt = [(x.phase == ASKED) & (x.blk == s.held) for x in s.readers]
    sound = [choose(bad, 0, x.sound) for bad, x in zip(spoilt, s.readers, strict=True)]
    return tuple([Reader(*x[:4], new) for x, new in zip(s.readers, sound, strict=True)])


def a_pass_begins_with_the_scan(_s: State) -> int:
    """a pass begins with the scan"""
    return SCANNING


def a_pass_writes_after_the_scan(_s: State) -> int:
    """after the scan a pass writes"""
    return WRITING


def a_pass_that_ended_is_over(_s: State) -> int:
    """after a pass no pass runs"""
    return AT_REST


def a_reserved_block_is_held(_s: State, b: int) -> int:
    """a block that is reserved is held"""
    return b


def no_block_is_held_any_more(_s: State, *_args: int) -> int:
    """a block that is submitted or given back is not held any more"""
    return NONE


def a_submission_is_charged(s: State, _i: int, _r: int) -> Budget:
    """a submission takes one block from the limit if that is enabled"""
    b = s.budget
    return Budget(b.enabled, choose(b.enabled == 1, b.limit - 1, b.limit), b.grant, b.granted, b.spent)


def a_failure_is_refunded_a_success_is_spent(s: State, r: int) -> Budget:
    """a charge to the present grant is refunded if the write failed and spent if it did not; others concern nobody"""
    b, q = s.budget, at(s.reqs, r)
    back = choose((q.grant == b.grant) & (q.phase == DONE_ERROR), 1, 0)
    gone = choose((q.grant == b.grant) & (q.phase == DONE_OK), 1, 0)
    return Budget(b.enabled, b.limit + back, b.grant, b.granted, b.spent + gone)


def a_stored_limit_is_a_new_grant(s: State, limit: int) -> Budget:
    """a limit that is stored can be spent whole, enabled or not"""
    return Budget(s.budget.enabled, limit, s.budget.grant + 1, limit, 0)


def a_toggled_limit_is_kept(s: State) -> Budget:
    """a limit that is enabled or disabled stays what it is"""
    b = s.budget
    return Budget(choose(b.enabled == 1, 0, 1), b.limit, b.grant, b.granted, b.spent)


def a_reset_limit_is_off(s: State) -> Budget:
    """after a reset there is no limit"""
    return Budget(0, 0, s.budget.grant + 1, 0, 0)


class FieldUpdate(NamedTuple):
    """The new value of a field, and the actions that store it."""

    field: str
    value: Piece
    """Its name and its docstring are those of the property."""
    actions: tuple[str, ...]


_REPLACING: Final = ("write", "write_same", "discard")

FIELD_UPDATES: Final = (
    FieldUpdate("slots", a_written_page_is_in_memory, ("write",)),
    FieldUpdate("slots", a_same_filled_page_is_one_word, ("write_same",)),
    FieldUpdate("slots", a_discarded_page_is_gone, ("discard",)),
    FieldUpdate("slots", a_read_page_was_accessed, ("read",)),
    FieldUpdate("slots", a_marked_page_is_idle, ("mark_idle",)),
    FieldUpdate("slots", a_recompressed_page_lost_its_marks, ("recompress",)),
    FieldUpdate("slots", a_page_is_not_idle_any_more, ("clear_idle", "recompress_in_vain")),
    FieldUpdate("slots", a_selected_page_is_claimed, ("scan",)),
    FieldUpdate("slots", a_released_page_is_in_memory, ("give_up",)),
    FieldUpdate("slots", a_completed_page_is_where_it_was_put, ("reap",)),
    FieldUpdate("slots", a_reset_device_has_no_pages, ("reset",)),
    FieldUpdate("queued", a_selected_page_is_a_candidate, ("scan",)),
    FieldUpdate("queued", a_candidate_leaves_once, ("submit", "skip", "give_up")),
    FieldUpdate("blocks", a_page_replaced_is_on_no_block, _REPLACING),
    FieldUpdate("blocks", a_reserved_block_is_in_use, ("reserve_block",)),
    FieldUpdate("blocks", a_submitted_block_is_being_written, ("submit",)),
    FieldUpdate("blocks", a_held_block_is_given_back, ("drop_held",)),
    FieldUpdate("blocks", a_completed_block_is_kept_or_given_back, ("reap",)),
    FieldUpdate("blocks", a_good_write_is_on_its_block, ("device_ok",)),
    FieldUpdate("blocks", a_bad_write_leaves_nothing, ("device_error",)),
    FieldUpdate("blocks", an_answered_block_is_quiet, ("endio_queue",)),
    FieldUpdate("blocks", a_reset_device_has_no_used_blocks, ("reset",)),
    FieldUpdate("reqs", a_taken_request_is_held, ("take_request",)),
    FieldUpdate("reqs", a_submitted_request_is_in_flight, ("submit",)),
    FieldUpdate("reqs", a_request_held_for_nothing_is_idle, ("drop_held",)),
    FieldUpdate("reqs", a_completed_request_is_idle, ("reap",)),
    FieldUpdate("reqs", an_answered_request_is_queued_as_answered, ("endio_queue",)),
    FieldUpdate("reqs", a_callback_that_leaves_is_outside, ("endio_leave",)),
    FieldUpdate("readers", a_read_that_began_knows_slot_and_block, ("read_begin",)),
    FieldUpdate("readers", an_answered_read_has_its_bytes, ("read_answer",)),
    FieldUpdate("readers", a_read_that_ended_is_gone, ("read_end", "read_retry", "drop_kept")),
    FieldUpdate("readers", a_read_page_that_is_kept_stays, ("read_keep",)),
    FieldUpdate("readers", a_read_of_a_replaced_page_is_void, _REPLACING),
    FieldUpdate("readers", a_read_of_a_block_being_written_is_unsound, ("submit",)),
    FieldUpdate("readers", a_reset_device_keeps_no_page, ("reset",)),
    FieldUpdate("running", a_pass_begins_with_the_scan, ("begin_pass",)),
    FieldUpdate("running", a_pass_writes_after_the_scan, ("end_scan",)),
    FieldUpdate("running", a_pass_that_ended_is_over, ("end_pass",)),
    FieldUpdate("held", a_reserved_block_is_held, ("reserve_block",)),
    FieldUpdate("held", no_block_is_held_any_more, ("submit", "drop_held")),
    FieldUpdate("budget", a_submission_is_charged, ("submit",)),
    FieldUpdate("budget", a_failure_is_refunded_a_success_is_spent, ("reap",)),
    FieldUpdate("budget", a_stored_limit_is_a_new_grant, ("store_limit",)),
    FieldUpdate("budget", a_toggled_limit_is_kept, ("toggle_limit",)),
    FieldUpdate("budget", a_reset_limit_is_off, ("reset",)),
)

_FIELDS: Final = tuple(field for field in State._fields if field != "counts")
_ANY: Final = initial(1, 1, 1, 0, 1)


def frame(action: Action) -> tuple[StepProperty, ...]:
    """Return what an action makes of each field, as properties of its steps.

    Of a seeded bug there is nothing: it is another action of the same name, and what it changes is for the other
    properties to find out.
    """
    return _CHANGES[action.name] if action in ACTIONS else ()


def _of(action: Action) -> tuple[StepProperty, ...]:
    mine = {each.field: each for each in FIELD_UPDATES if action.name in each.actions}
    return tuple([_becomes(mine[f], action) if f in mine else _stays(f, action) for f in _FIELDS])


def _becomes(change: FieldUpdate, action: Action) -> StepProperty:
    def holds(before: State, args: tuple[int, ...], after: State) -> bool:
        return _alike(getattr(after, change.field), change.value(before, *args))

    holds.__name__, holds.__doc__ = change.value.__name__, change.value.__doc__
    read = footprint(change.value, _ANY, (0,) * len(action.over)).reads
    return StepProperty(holds, (action.name,), (change.field, *[State._fields[field] for field in read]))


def _stays(field: str, action: Action) -> StepProperty:
    def holds(before: State, _args: tuple[int, ...], after: State) -> bool:
        return _alike(getattr(after, field), getattr(before, field))

    holds.__name__ = f"{field}_stays"
    holds.__doc__ = f"{action.name} leaves `{field}` alone"
    return StepProperty(holds, (action.name,), (), keeps=field)


def _alike(a: object, b: object) -> bool:
    """Return whether two fields are equal; most rows of most fields are not touched."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return every([same(x, y) for x, y in zip(a, b, strict=True) if x is not y])
    return same(a, b)


_CHANGES: Final = {action.name: _of(action) for action in ACTIONS}
