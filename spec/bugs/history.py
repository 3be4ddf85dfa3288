"""More seeded bugs: of the other versions of the batching series, of what was merged, and of designs not taken.

Each is written down from the public history of the driver; `mistake` says which version had it. Bugs that this
specification cannot express (results, units, parsing, what a block contains beyond its page) are not here.
"""

from typing import Final

from spec.bugs.batching_v3 import BATCHING_V3, SpecBug, instead
from spec.model import transitions, user, writeback
from spec.model.state import ANSWERED, ASKED, AT_REST, DONE_OK, FLIGHT, IDLE, KEPT, Reader, State
from spec.model.tables import NONE, PP_SLOT, STORED, WB
from spec.model.terms import at, choose, every, no, put
from spec.scope import Scope

_SMALL: Final = Scope(slots=2, blocks=2, requests=1, limit=2)
_TWO: Final = Scope(slots=2, blocks=2, requests=2, limit=2)
_READING: Final = Scope(slots=2, blocks=2, requests=1, limit=4, readers=1)
_KEEPING: Final = Scope(slots=1, blocks=1, requests=1, limit=2, readers=1, keeps=1)


def _submit_not_detached(s: State, i: int, r: int) -> State:
    return writeback.submit(s, i, r)._replace(queued=put(s.queued, i, 1))


def _can_end_with_requests(s: State) -> bool:
    return transitions.loop_over(s) & (s.held == NONE) & no(transitions.holds_request(s))


def _submit_uncharged(s: State, i: int, r: int) -> State:
    sent = writeback.submit(s, i, r)
    return sent._replace(budget=s.budget, reqs=put(sent.reqs, r, at(sent.reqs, r)._replace(grant=0)))


def _reap_charging(s: State, r: int) -> State:
    q, b = at(s.reqs, r), s.budget
    wrote = (q.phase == DONE_OK) * b.enabled
    done = writeback.reap(s, r)
    return done._replace(budget=b._replace(limit=b.limit - wrote, spent=b.spent + wrote))


def _can_reap_unanswered(s: State, r: int) -> bool:
    return (at(s.reqs, r).phase >= FLIGHT) & (at(s.reqs, r).inside == 0)


def _reap_as_good(s: State, r: int) -> State:
    q = at(s.reqs, r)
    kept = at(s.slots, q.slot).kind == PP_SLOT
    ok = (q.phase == DONE_OK) | (q.phase == FLIGHT)
    return transitions.finish(s, r, transitions.completion(ok * 1, kept * 1))


def _can_reap_with_callback_inside(s: State, r: int) -> bool:
    return at(s.reqs, r).phase >= DONE_OK


def _can_end_with_callback_inside(s: State) -> bool:
    return transitions.loop_over(s) & (s.held == NONE) & every([q.phase == IDLE for q in s.reqs])


def _reap_refunding_if_enabled(s: State, r: int) -> State:
    failed = no(at(s.reqs, r).phase == DONE_OK) * s.budget.enabled
    done = writeback.reap(s, r)
    spent = done.budget.spent
    return done._replace(budget=s.budget._replace(limit=s.budget.limit + failed, spent=spent))


def _reap_refunding_any_grant(s: State, r: int) -> State:
    q = at(s.reqs, r)
    failed = no(q.phase == DONE_OK) & (q.grant > 0)
    done = writeback.reap(s, r)
    return done._replace(budget=s.budget._replace(limit=s.budget.limit + failed * 1, spent=done.budget.spent))


def _can_read_begin_late(s: State, i: int, k: int) -> bool:
    kind = at(s.slots, i).kind
    return ((kind == WB) | (kind == STORED)) & (at(s.readers, k).phase == IDLE)


def _read_begin_late(s: State, i: int, k: int) -> State:
    slot = at(s.slots, i)
    good = (slot.kind == WB) * 1
    return s._replace(readers=put(s.readers, k, Reader(ASKED, i, choose(good == 1, slot.blk, 0), valid=1, sound=good)))


def _can_read_end_unchecked(s: State, k: int) -> bool:
    return at(s.readers, k).phase == ANSWERED


def _can_read_end_if_wb(s: State, k: int) -> bool:
    x = at(s.readers, k)
    return (x.phase == ANSWERED) & (x.slot > NONE) & (at(s.slots, x.slot).kind == WB)


def _can_read_end_if_same_block(s: State, k: int) -> bool:
    x = at(s.readers, k)
    return _can_read_end_if_wb(s, k) & (at(s.slots, x.slot).blk == x.blk)


def _can_read_kept_by_index(s: State, k: int) -> bool:
    x = at(s.readers, k)
    return (x.phase == KEPT) & (x.slot > NONE) & (at(s.slots, x.slot).kind == WB)


def _discard_counting_huge_again(s: State, i: int) -> State:
    slot = at(s.slots, i)
    freed, again = user.discard(s, i), (slot.huge == 1) & (slot.kind == WB)
    return freed._replace(counts=freed.counts._replace(huge=freed.counts.huge - again * 1))


def _reap_releasing_twice(s: State, r: int) -> State:
    done = writeback.reap(s, r)
    failed = no(at(s.reqs, r).phase == DONE_OK) * 1
    return done._replace(counts=done.counts._replace(bd_count=done.counts.bd_count - failed))


def _submit_releasing_claim(s: State, i: int, r: int) -> State:
    sent = writeback.submit(s, i, r)
    return sent._replace(slots=put(sent.slots, i, at(sent.slots, i)._replace(kind=STORED)))


def _can_scan_while_writing(s: State, i: int) -> bool:
    free = (at(s.slots, i).kind == STORED) & (at(s.queued, i) == 0)
    return (s.running > AT_REST) & free


def _reap_without_looking(s: State, r: int) -> State:
    return transitions.finish(s, r, transitions.completion((at(s.reqs, r).phase == DONE_OK) * 1, 1))


def _write_keeping_claim(s: State, i: int, huge: int) -> State:
    kind = at(s.slots, i).kind
    written = user.write(s, i, huge)
    kept = choose(kind == PP_SLOT, PP_SLOT, STORED)
    return written._replace(slots=put(written.slots, i, at(written.slots, i)._replace(kind=kept)))


def _write_releasing_block_in_flight(s: State, i: int, huge: int) -> State:
    written = user.write(s, i, huge)
    mine = [(q.phase == FLIGHT) & (q.slot == i) for q in s.reqs]
    for q, flying in zip(s.reqs, mine, strict=True):
        written = choose(flying, transitions.release_block(written, q.blk), written)
    return written


def _can_reserve_used(s: State, b: int) -> bool:
    wanted = no(transitions.loop_over(s)) & transitions.holds_request(s) & (s.held == NONE)
    return wanted & (at(s.blocks, b).used == 1)


HISTORY: Final = (
    SpecBug(
        "inverted_no_space",
        "a reservation that succeeded is taken for a failure, and the other way round (v1)",
        (instead("reserve_block", writeback.reserve_block, _can_reserve_used),),
        breaks="a slot is wb",
        steps=0,
        scope=_SMALL,
    ),
    SpecBug(
        "not_detached",
        "a pp_slot stays in its bucket after it was handed to a request (v1)",
        (instead("submit", _submit_not_detached),),
        breaks="every_pp_slot_is_owned_once",
        steps=7,
        scope=_SMALL,
    ),
    SpecBug(
        "not_drained",
        "the pass ends without reaping what is in flight (v1)",
        (instead("end_pass", writeback.end_pass, _can_end_with_requests),),
        breaks="nothing_remains_at_rest",
        steps=8,
        scope=_SMALL,
    ),
    SpecBug(
        "late_charge",
        "the budget is charged when a write completes, so more is submitted than it allows (v1)",
        (instead("submit", _submit_uncharged), instead("reap", _reap_charging)),
        breaks="the_budget_is_conserved",
        steps=20,
        scope=Scope(slots=2, blocks=2, requests=2, limit=1),
    ),
    SpecBug(
        "stale_completion",
        "a completion counted earlier lets the pass take unanswered requests for finished ones (v1 to v4)",
        (instead("reap", _reap_as_good, _can_reap_unanswered),),
        breaks="a_failed_write_changes_nothing_but_the_claim",
        steps=8,
        scope=_TWO,
    ),
    SpecBug(
        "callback_after_free",
        "a callback queues its answer, and the control block is freed before it wakes the pass (CVE-2026-63951)",
        (
            instead("reap", writeback.reap, _can_reap_with_callback_inside),
            instead("end_pass", writeback.end_pass, _can_end_with_callback_inside),
        ),
        breaks="nobody_touches_a_freed_control_block",
        steps=11,
        scope=_SMALL,
    ),
    SpecBug(
        "refund_without_charge",
        "a failed write is refunded if the limit is enabled by then, charged or not (v3 without its lock)",
        (instead("reap", _reap_refunding_if_enabled),),
        breaks="the_budget_is_conserved",
        steps=12,
        scope=Scope(slots=1, blocks=1, requests=1, limit=1, toggles=1),
    ),
    SpecBug(
        "refund_to_a_newer_grant",
        "a failed write is refunded to a limit that was stored later (v3 without its lock)",
        (instead("reap", _reap_refunding_any_grant),),
        breaks="the_budget_is_conserved",
        steps=12,
        scope=Scope(slots=1, blocks=1, requests=1, limit=1, stores=1),
    ),
    SpecBug(
        "block_index_read_late",
        "a read takes the block index after it has let the slot go (up to v3)",
        (instead("read_begin", _read_begin_late, _can_read_begin_late),),
        breaks="a_read_that_re_validates_is_sound",
        steps=2,
        scope=_READING,
        asks_for_a_number=True,
    ),
    SpecBug(
        "read_not_checked",
        "a read returns what the device answered, whatever became of the slot (all versions, uncompressed)",
        (instead("read_end", user.reader_leaves, _can_read_end_unchecked),),
        breaks="a_read_ends_with_a_value_the_page_held",
        steps=20,
        scope=_READING,
    ),
    SpecBug(
        "read_checks_written_back_only",
        "a read checks only that the slot is written back, somewhere (7.0 and later, compressed)",
        (instead("read_end", user.reader_leaves, _can_read_end_if_wb),),
        breaks="a_read_ends_with_a_value_the_page_held",
        steps=26,
        scope=_READING,
    ),
    SpecBug(
        "read_checks_block_only",
        "a read checks slot and block but not their generation, so it misses a block that came back (no version)",
        (instead("read_end", user.reader_leaves, _can_read_end_if_same_block),),
        breaks="a_read_ends_with_a_value_the_page_held",
        steps=26,
        scope=_READING,
    ),
    SpecBug(
        "kept_by_index_only",
        "a kept page is returned to any read of its index, although the slot was replaced since (design not taken)",
        (instead("read_kept", user.read_kept, _can_read_kept_by_index),),
        breaks="a_read_ends_with_a_value_the_page_held",
        steps=27,
        scope=_KEEPING,
    ),
    SpecBug(
        "huge_counted_twice",
        "freeing a huge page that was written back takes it off huge_pages once more (7.0-rc, compressed writeback)",
        (instead("discard", _discard_counting_huge_again),),
        breaks="counters_equal_a_recount",
        steps=12,
        scope=Scope(slots=1, blocks=1, requests=1, limit=1, huge=1),
    ),
    SpecBug(
        "released_twice",
        "the block of a failed write is released twice (no version; the driver only warns)",
        (instead("reap", _reap_releasing_twice),),
        breaks="counters_equal_a_recount",
        steps=11,
        scope=_SMALL,
    ),
    SpecBug(
        "rescan_in_pass",
        "the pp_slot is released at submission and the slot may be selected again (design not taken)",
        (instead("submit", _submit_releasing_claim), instead("scan", writeback.scan, _can_scan_while_writing)),
        breaks="moves_towards_rest",
        steps=4,
        scope=_SMALL,
    ),
    SpecBug(
        "commit_without_claim",
        "a good write is committed although its slot lost the claim (design not taken)",
        (instead("reap", _reap_without_looking),),
        breaks="a_failed_write_changes_nothing_but_the_claim",
        steps=12,
        scope=_SMALL,
    ),
    SpecBug(
        "write_keeps_claim",
        "overwriting a selected slot leaves the claim on it (design not taken)",
        (instead("write", _write_keeping_claim),),
        breaks="a_kept_claim_means_unchanged_content",
        steps=8,
        scope=_SMALL,
    ),
    SpecBug(
        "block_released_in_flight",
        "overwriting a slot in flight releases the block that the device is still writing (design not taken)",
        (instead("write", _write_releasing_block_in_flight),),
        breaks="every_block_has_one_owner",
        steps=8,
        scope=_SMALL,
    ),
)

SEEDED_BUGS: Final = (*BATCHING_V3, *HISTORY)
assert len({bug.name for bug in SEEDED_BUGS}) == len(SEEDED_BUGS), "names are unique"
