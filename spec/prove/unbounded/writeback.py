"""Actions of a pass over a device of any size: `spec.model.writeback`, for a solver."""

from typing import Final

from spec.model.state import ASKED, AT_REST, DONE_OK, FLIGHT, HELD, IDLE, PENDING, SCANNING, WRITING, Block, Req
from spec.model.tables import COMPLETION_TABLE, NONE, PP_SLOT, SLOT_TABLE, STORED, Completion
from spec.model.terms import no
from spec.model.transitions import may_charge
from spec.prove.unbounded.rows import PASS, REQUEST, REQUESTS, Owner, SymbolicDevice, cell, each, mapped, pick, updated
from spec.prove.unbounded.transitions import (
    Change,
    Move,
    completion,
    finish,
    holds_request,
    loop_over,
    release_block,
    set_slot,
    with_block,
    with_request,
)


def _can_begin_pass(s: SymbolicDevice) -> bool:
    return s.running == AT_REST


def _begin_pass(s: SymbolicDevice) -> Change:
    return Change(s._replace(running=SCANNING))


def _can_refuse_pass(s: SymbolicDevice) -> bool:
    return s.running > AT_REST


def _refuse_pass(s: SymbolicDevice) -> Change:
    return Change(s)


def _can_scan(s: SymbolicDevice, i: int) -> bool:
    return (s.running == SCANNING) & (s.slots(i).kind == STORED) & (s.queued(i) == 0)


def _scan(s: SymbolicDevice, i: int) -> Change:
    slot = s.slots(i)._replace(kind=cell(SLOT_TABLE.select, s.slots(i).kind))
    return Change(set_slot(s._replace(queued=updated(s.queued, i, 1)), i, slot), slot=i)


def _can_end_scan(s: SymbolicDevice) -> bool:
    return s.running == SCANNING


def _end_scan(s: SymbolicDevice) -> Change:
    return Change(s._replace(running=WRITING))


def _can_take_request(s: SymbolicDevice, r: int) -> bool:
    wanted = (s.running == WRITING) & no(loop_over(s)) & no(holds_request(s))
    return wanted & (s.reqs(r).phase == IDLE) & (s.reqs(r).inside == 0)


def _take_request(s: SymbolicDevice, r: int) -> Change:
    return Change(with_request(s, r, s.reqs(r)._replace(phase=HELD))._replace(taken=r), request=r)


def _can_reserve_block(s: SymbolicDevice, b: int) -> bool:
    return no(loop_over(s)) & holds_request(s) & (s.held == NONE) & (s.blocks(b).used == 0)


def _reserve_block(s: SymbolicDevice, b: int) -> Change:
    counts = s.counts._replace(bd_count=s.counts.bd_count + 1)
    after = with_block(s, b, Block(used=1))._replace(held=b, owner=updated(s.owner, b, Owner(PASS)), counts=counts)
    return Change(after, block=b)


def _can_submit(s: SymbolicDevice, i: int, r: int) -> bool:
    return (s.queued(i) == 1) & (s.slots(i).kind == PP_SLOT) & can_send(s, r)


def can_send(s: SymbolicDevice, r: int) -> bool:
    """Return whether there is a request, a block, and budget for one more."""
    return (s.reqs(r).phase == HELD) & (s.held >= 0) & may_charge(s.budget)


def _submit(s: SymbolicDevice, i: int, r: int) -> Change:
    return send(s, i, i, r)


def send(s: SymbolicDevice, i: int, source: int, r: int) -> Change:
    """Copy page `source`, charge the budget, hand the request for slot `i` with the held block to the device."""
    b, enabled = s.held, s.budget.enabled
    request = Req(FLIGHT, i, b, grant=pick(enabled == 1, s.budget.grant, 0), inside=s.reqs(r).inside)
    after = s._replace(
        queued=updated(s.queued, i, 0),
        blocks=updated(s.blocks, b, Block(used=1, io=PENDING, holds=source)),
        reqs=updated(s.reqs, r, request),
        readers=mapped(s.readers, lambda x: x._replace(sound=pick((x.phase == ASKED) & (x.blk == b), 0, x.sound))),
        budget=s.budget._replace(limit=s.budget.limit - enabled),
        held=NONE,
        owner=updated(s.owner, b, Owner(REQUEST, r)),
        carrier=updated(s.carrier, i, r),
        taken=NONE,
    )
    return Change(after, slot=i, block=b, request=r)


def _candidate(s: SymbolicDevice, i: int) -> bool:
    return (s.running == WRITING) & (s.queued(i) == 1)


def _can_skip(s: SymbolicDevice, i: int) -> bool:
    return _candidate(s, i) & no(s.slots(i).kind == PP_SLOT)


def _skip(s: SymbolicDevice, i: int) -> Change:
    return Change(s._replace(queued=updated(s.queued, i, 0)), slot=i)


def _can_give_up(s: SymbolicDevice, i: int) -> bool:
    return _candidate(s, i) & (s.slots(i).kind == PP_SLOT)


def _give_up(s: SymbolicDevice, i: int) -> Change:
    slot = s.slots(i)._replace(kind=cell(SLOT_TABLE.release, s.slots(i).kind))
    return Change(set_slot(s._replace(queued=updated(s.queued, i, 0)), i, slot), slot=i)


def _can_drop_held(s: SymbolicDevice) -> bool:
    return loop_over(s) & (holds_request(s) | (s.held >= 0))


def forget_held(s: SymbolicDevice) -> Change:
    """Put the taken request back and hold no block any more."""
    reqs = mapped(s.reqs, lambda q: q._replace(phase=pick(q.phase == HELD, IDLE, q.phase)))
    return Change(s._replace(reqs=reqs, held=NONE, taken=NONE), block=s.held, request=s.taken)


def _drop_held(s: SymbolicDevice) -> Change:
    return forget_held(s)._replace(after=forget_held(release_block(s, s.held)).after)


def _can_reap(s: SymbolicDevice, r: int) -> bool:
    return (s.reqs(r).phase >= DONE_OK) & (s.reqs(r).inside == 0)


def _reap(s: SymbolicDevice, r: int) -> Change:
    return reap_by(COMPLETION_TABLE, s, r)


def reap_by(table: tuple[Completion, ...], s: SymbolicDevice, r: int) -> Change:
    """Complete an answered request as a table says."""
    q = s.reqs(r)
    return finish(s, r, completion(q.phase == DONE_OK, s.slots(q.slot).kind == PP_SLOT, table))


def _can_end_pass(s: SymbolicDevice) -> bool:
    quiet = each(s, REQUESTS, lambda r: (s.reqs(r).phase == IDLE) & (s.reqs(r).inside == 0))
    return loop_over(s) & quiet & (s.held == NONE)


def _end_pass(s: SymbolicDevice) -> Change:
    return Change(s._replace(running=AT_REST))


MOVES: Final = {
    "begin_pass": Move(_can_begin_pass, _begin_pass),
    "refuse_pass": Move(_can_refuse_pass, _refuse_pass),
    "scan": Move(_can_scan, _scan),
    "end_scan": Move(_can_end_scan, _end_scan),
    "take_request": Move(_can_take_request, _take_request),
    "reserve_block": Move(_can_reserve_block, _reserve_block),
    "submit": Move(_can_submit, _submit),
    "skip": Move(_can_skip, _skip),
    "give_up": Move(_can_give_up, _give_up),
    "drop_held": Move(_can_drop_held, _drop_held),
    "reap": Move(_can_reap, _reap),
    "end_pass": Move(_can_end_pass, _end_pass),
}
