"""The bugs of `spec.bugs.history`, said of a device of any size."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from spec.model.state import ANSWERED, ASKED, AT_REST, DONE_OK, FLIGHT, IDLE, KEPT, Budget, Reader
from spec.model.tables import NONE, PP_SLOT, STORED, WB
from spec.model.terms import no
from spec.prove.unbounded.actions import MOVES
from spec.prove.unbounded.rows import REQUESTS, SymbolicDevice, each, pick, updated
from spec.prove.unbounded.transitions import (
    Change,
    Effect,
    Guard,
    Move,
    completion,
    finish,
    holds_request,
    loop_over,
    release_block,
)

# The device after the action as it should be, the device before, the parameters.
Also = Callable[..., SymbolicDevice]  # type: ignore[explicit-any]  # each has parameters of its own


def _instead(name: str, change: Effect | None = None, guard: Guard | None = None) -> Mapping[str, Move]:
    return {name: Move(guard or MOVES[name].guard, change or MOVES[name].change)}


def _then(name: str, also: Also) -> Mapping[str, Move]:
    """Return the action with something else done after it."""

    def change(s: SymbolicDevice, *args: int) -> Change:
        done = MOVES[name].change(s, *args)
        return done._replace(after=also(done.after, s, *args))

    return _instead(name, change)


def _stays_queued(after: SymbolicDevice, s: SymbolicDevice, _i: int, _r: int) -> SymbolicDevice:
    return after._replace(queued=s.queued)


def _uncharged(after: SymbolicDevice, s: SymbolicDevice, _i: int, r: int) -> SymbolicDevice:
    return after._replace(budget=s.budget, reqs=updated(after.reqs, r, after.reqs(r)._replace(grant=0)))


def _charged(after: SymbolicDevice, s: SymbolicDevice, r: int) -> SymbolicDevice:
    wrote, b = pick(s.reqs(r).phase == DONE_OK, s.budget.enabled, 0), s.budget
    return after._replace(budget=b._replace(limit=b.limit - wrote, spent=b.spent + wrote))


def _refunded_if_enabled(after: SymbolicDevice, s: SymbolicDevice, r: int) -> SymbolicDevice:
    return _refunded(after, s.budget, no(s.reqs(r).phase == DONE_OK) & (s.budget.enabled == 1))


def _refunded_to_any_grant(after: SymbolicDevice, s: SymbolicDevice, r: int) -> SymbolicDevice:
    return _refunded(after, s.budget, no(s.reqs(r).phase == DONE_OK) & (s.reqs(r).grant > 0))


def _refunded(after: SymbolicDevice, budget: Budget, due: bool) -> SymbolicDevice:
    return after._replace(budget=budget._replace(limit=budget.limit + due * 1, spent=after.budget.spent))


def _huge_counted_again(after: SymbolicDevice, s: SymbolicDevice, i: int) -> SymbolicDevice:
    again = (s.slots(i).huge == 1) & (s.slots(i).kind == WB)
    return after._replace(counts=after.counts._replace(huge=after.counts.huge - again * 1))


def _released_again(after: SymbolicDevice, s: SymbolicDevice, r: int) -> SymbolicDevice:
    failed = no(s.reqs(r).phase == DONE_OK) * 1
    return after._replace(counts=after.counts._replace(bd_count=after.counts.bd_count - failed))


def _without_claim(after: SymbolicDevice, _s: SymbolicDevice, i: int, _r: int) -> SymbolicDevice:
    return after._replace(slots=updated(after.slots, i, after.slots(i)._replace(kind=STORED)))


def _with_claim(after: SymbolicDevice, s: SymbolicDevice, i: int, _huge: int) -> SymbolicDevice:
    kind = pick(s.slots(i).kind == PP_SLOT, PP_SLOT, STORED)
    return after._replace(slots=updated(after.slots, i, after.slots(i)._replace(kind=kind)))


def _without_block_in_flight(after: SymbolicDevice, s: SymbolicDevice, i: int, _huge: int) -> SymbolicDevice:
    q = s.reqs(s.carrier(i))
    return release_block(after, pick((s.carrier(i) > NONE) & (q.phase == FLIGHT), q.blk, NONE))


def _reap_as_good(s: SymbolicDevice, r: int) -> Change:
    q = s.reqs(r)
    return finish(s, r, completion((q.phase == DONE_OK) | (q.phase == FLIGHT), s.slots(q.slot).kind == PP_SLOT))


def _reap_without_looking(s: SymbolicDevice, r: int) -> Change:
    return finish(s, r, completion(s.reqs(r).phase == DONE_OK, kept=True))


def _read_begin_late(s: SymbolicDevice, i: int, k: int) -> Change:
    slot = s.slots(i)
    good = slot.kind == WB
    reader = Reader(ASKED, i, pick(good, slot.blk, 0), valid=1, sound=good * 1)
    return Change(s._replace(readers=updated(s.readers, k, reader)), reader=k)


def _can_read_begin_late(s: SymbolicDevice, i: int, k: int) -> bool:
    kind = s.slots(i).kind
    return ((kind == WB) | (kind == STORED)) & (s.readers(k).phase == IDLE)


def _can_read_end(s: SymbolicDevice, k: int) -> bool:
    return s.readers(k).phase == ANSWERED


def _can_read_end_if_wb(s: SymbolicDevice, k: int) -> bool:
    x = s.readers(k)
    return _can_read_end(s, k) & (x.slot > NONE) & (s.slots(x.slot).kind == WB)


def _can_read_end_if_same_block(s: SymbolicDevice, k: int) -> bool:
    return _can_read_end_if_wb(s, k) & (s.slots(s.readers(k).slot).blk == s.readers(k).blk)


def _can_read_kept_by_index(s: SymbolicDevice, k: int) -> bool:
    x = s.readers(k)
    return (x.phase == KEPT) & (x.slot > NONE) & (s.slots(x.slot).kind == WB)


def _can_scan_while_writing(s: SymbolicDevice, i: int) -> bool:
    return (s.running > AT_REST) & (s.slots(i).kind == STORED) & (s.queued(i) == 0)


def _can_reserve_used(s: SymbolicDevice, b: int) -> bool:
    return no(loop_over(s)) & holds_request(s) & (s.held == NONE) & (s.blocks(b).used == 1)


def _can_reap(s: SymbolicDevice, r: int, *, earliest: int, inside: int) -> bool:
    return (s.reqs(r).phase >= earliest) & (s.reqs(r).inside <= inside)


def _can_end_with_requests(s: SymbolicDevice) -> bool:
    return loop_over(s) & (s.held == NONE) & no(holds_request(s))


def _can_end_with_callback_inside(s: SymbolicDevice) -> bool:
    return loop_over(s) & each(s, REQUESTS, lambda r: s.reqs(r).phase == IDLE) & (s.held == NONE)


REPLACED: Final[Mapping[str, Mapping[str, Move]]] = {
    "inverted_no_space": _instead("reserve_block", guard=_can_reserve_used),
    "not_detached": _then("submit", _stays_queued),
    "not_drained": _instead("end_pass", guard=_can_end_with_requests),
    "late_charge": {**_then("submit", _uncharged), **_then("reap", _charged)},
    "stale_completion": _instead("reap", _reap_as_good, partial(_can_reap, earliest=FLIGHT, inside=0)),
    "callback_after_free": {
        **_instead("reap", guard=partial(_can_reap, earliest=DONE_OK, inside=1)),
        **_instead("end_pass", guard=_can_end_with_callback_inside),
    },
    "refund_without_charge": _then("reap", _refunded_if_enabled),
    "refund_to_a_newer_grant": _then("reap", _refunded_to_any_grant),
    "block_index_read_late": _instead("read_begin", _read_begin_late, _can_read_begin_late),
    "read_not_checked": _instead("read_end", guard=_can_read_end),
    "read_checks_written_back_only": _instead("read_end", guard=_can_read_end_if_wb),
    "read_checks_block_only": _instead("read_end", guard=_can_read_end_if_same_block),
    "kept_by_index_only": _instead("read_kept", guard=_can_read_kept_by_index),
    "huge_counted_twice": _then("discard", _huge_counted_again),
    "released_twice": _then("reap", _released_again),
    "rescan_in_pass": {**_then("submit", _without_claim), **_instead("scan", guard=_can_scan_while_writing)},
    "commit_without_claim": _instead("reap", _reap_without_looking),
    "write_keeps_claim": _then("write", _with_claim),
    "block_released_in_flight": _then("write", _without_block_in_flight),
}
"""By name of the bug: what replaces which action."""
