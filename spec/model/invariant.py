"""The invariant, which ALWAYS holds: one function a clause, its docstring the sentence.

Clauses do not branch on the state (see `terms`), so the same text is evaluated, confirmed and proved. Together they
are inductive: every action keeps all of them, from any state in which all of them hold, reachable or not.
"""

from collections.abc import Callable
from typing import Final

from spec.model.state import AT_REST, DONE_ERROR, DONE_OK, FLIGHT, HELD, IDLE, KEPT, Reader, Req, State

# isort: split
from spec.model.state import IO_ERROR, IO_OK, PENDING, QUIET, SCANNING, WRITING
from spec.model.tables import EMPTY, NONE, PP_SLOT, SAME, STORED, WB
from spec.model.terms import at, bit, choose, count, every, implies, within

Clause = Callable[[State], bool]


def active(q: Req) -> bool:
    """Return whether the request has a slot and a block: submitted and not yet reaped."""
    return q.phase >= FLIGHT


def slots_and_blocks_are_in_range(s: State) -> bool:
    """every field of slots and blocks is in its range"""
    n, b = len(s.slots) - 1, len(s.blocks) - 1
    slots = [within(EMPTY, x.kind, WB) & within(NONE, x.blk, b) & bit(x.huge) & bit(x.idle) for x in s.slots]
    blocks = [bit(x.used) & within(QUIET, x.io, IO_ERROR) & within(NONE, x.holds, n) for x in s.blocks]
    return every(slots) & every(blocks)


def requests_are_in_range(s: State) -> bool:
    """every field of requests is in its range"""
    return every([placed(s, q) & within(IDLE, q.phase, DONE_ERROR) & bit(q.inside) for q in s.reqs])


def placed(s: State, x: Req | Reader) -> bool:
    """Return whether the slot and the block of a request or a reader are in range, or NONE."""
    return within(NONE, x.slot, len(s.queued) - 1) & within(NONE, x.blk, len(s.blocks) - 1)


def readers_are_in_range(s: State) -> bool:
    """every field of reads under way and of kept pages is in its range"""
    return every([placed(s, r) & within(IDLE, r.phase, KEPT) & bit(r.valid) & bit(r.sound) for r in s.readers])


def the_pass_is_in_range(s: State) -> bool:
    """every field of the pass is in its range"""
    pass_ = within(AT_REST, s.running, WRITING) & within(NONE, s.held, len(s.blocks) - 1)
    return every([bit(q) for q in s.queued]) & pass_


def every_block_has_one_owner(s: State) -> bool:
    """every block in use has exactly one owner: a written-back slot, a request, or the pass that reserved it"""
    owned = [x.blk for x in s.slots] + [q.blk for q in s.reqs] + [s.held]
    return every([block.used == count([x == b for x in owned]) for b, block in enumerate(s.blocks)])


def only_written_back_slots_have_blocks(s: State) -> bool:
    """a slot has a block exactly when it is written back, and only stored pages carry marks"""
    marked = [implies(x.huge == 1, x.kind >= STORED) & implies(x.idle == 1, x.kind >= STORED) for x in s.slots]
    return every([(x.kind == WB) == (x.blk > NONE) for x in s.slots]) & every(marked)


def every_request_is_in_one_place(s: State) -> bool:
    """a request has a slot and a block exactly from its submission to its reaping, and at most one is held"""
    whole = [(active(q) == (q.slot > NONE)) & (active(q) == (q.blk > NONE)) for q in s.reqs]
    charged = [implies(active(q) == False, q.grant == 0) for q in s.reqs]  # noqa: E712  (a term for every reader)
    queued = [implies(q.inside == 1, (q.phase >= DONE_OK) | (q.phase == IDLE)) for q in s.reqs]
    return every(whole) & every(charged) & every(queued) & (count([q.phase == HELD for q in s.reqs]) <= 1)


def the_device_works_for_requests_in_flight(s: State) -> bool:
    """the device is busy with a block exactly when a request in flight wants it written"""
    flying = [count([(q.phase == FLIGHT) & (q.blk == b) for q in s.reqs]) for b in range(len(s.blocks))]
    return every([(block.io > QUIET) == (n == 1) for block, n in zip(s.blocks, flying, strict=True)])


def every_pp_slot_is_owned_once(s: State) -> bool:
    """a pp_slot is in a bucket or with one request, never both, and a claim has an owner"""
    owners = [q + count([r.slot == i for r in s.reqs]) for i, q in enumerate(s.queued)]
    claimed = [implies(x.kind == PP_SLOT, n == 1) for x, n in zip(s.slots, owners, strict=True)]
    return every([n <= 1 for n in owners]) & every(claimed)


def the_budget_is_conserved(s: State) -> bool:
    """of every grant: granted = left + charged in flight + written, and what is left is never negative"""
    b = s.budget
    charged = count([active(q) & (q.grant == b.grant) for q in s.reqs])
    known = every([(q.grant >= 0) & (q.grant <= b.grant) for q in s.reqs])
    flags = (b.enabled >= 0) & (b.enabled <= 1) & (b.grant >= 1) & (b.spent >= 0)
    return (b.granted == b.limit + charged + b.spent) & (b.limit >= 0) & flags & known


def nothing_remains_at_rest(s: State) -> bool:
    """at rest there is no claim, no pp_slot, no request and no held block; none is in flight while scanning"""
    claims = count([x.kind == PP_SLOT for x in s.slots]) + count([q == 1 for q in s.queued])
    work = count([q.phase > IDLE for q in s.reqs]) + (s.held > NONE) * 1
    return implies(s.running == AT_REST, claims == 0) & implies(s.running <= SCANNING, work == 0)


def counters_equal_a_recount(s: State) -> bool:
    """pages stored, same-filled pages, huge pages in memory and blocks in use equal a recount"""
    stored, same = count([x.kind > EMPTY for x in s.slots]), count([x.kind == SAME for x in s.slots])
    huge = count([(x.huge == 1) & ((x.kind == STORED) | (x.kind == PP_SLOT)) for x in s.slots])
    used = count([x.used == 1 for x in s.blocks])
    c = s.counts
    return (c.stored == stored) & (c.same == same) & (c.huge == huge) & (c.bd_count == used)


def a_written_back_block_holds_the_page(s: State) -> bool:
    """what a written-back slot's block holds is what was last written to the page, and no write to it is on its way"""
    blocks = [at(s.blocks, choose(x.kind == WB, x.blk, 0)) for x in s.slots]
    rows = enumerate(zip(s.slots, blocks, strict=True))
    return every([implies(x.kind == WB, (b.holds == i) & (b.io == QUIET)) for i, (x, b) in rows])


def a_kept_claim_means_unchanged_content(s: State) -> bool:
    """as long as a slot in flight keeps its claim, what is being written is what the page contains"""
    slots = [at(s.slots, choose(active(q), q.slot, 0)) for q in s.reqs]
    blocks = [at(s.blocks, choose(active(q), q.blk, 0)) for q in s.reqs]
    rows = zip(s.reqs, slots, blocks, strict=True)
    return every([implies(active(q) & (x.kind == PP_SLOT) & no_error(q, b.io), b.holds == q.slot) for q, x, b in rows])


def no_error(q: Req, io: int) -> bool:
    """Return whether the write has not failed, so far."""
    return (q.phase == DONE_OK) | ((q.phase == FLIGHT) & ((io == PENDING) | (io == IO_OK)))


def nobody_touches_a_freed_control_block(s: State) -> bool:
    """a callback is inside the control block of a pass only while the pass has not freed it"""
    return implies(s.running == AT_REST, count([q.inside == 1 for q in s.reqs]) == 0)


def a_read_that_re_validates_is_sound(s: State) -> bool:
    """a read whose slot has not been replaced since it began has, or will get, the page's own bytes"""
    slots = [at(s.slots, choose(r.valid == 1, r.slot, 0)) for r in s.readers]
    asked = [(r.phase > IDLE) & (r.slot > NONE) & (r.sound == 1) for r in s.readers]
    rows = zip(s.readers, slots, asked, strict=True)
    return every([implies(r.valid == 1, (x.kind == WB) & (x.blk == r.blk) & whole) for r, x, whole in rows])


def a_kept_page_is_returned_while_it_is_the_page(s: State) -> bool:
    """a kept page may be returned exactly as long as the page still contains these bytes"""
    return every([implies(r.phase == KEPT, r.valid == r.sound) for r in s.readers])


# fmt: off
CLAUSES: Final[tuple[Clause, ...]] = (
    slots_and_blocks_are_in_range, requests_are_in_range, readers_are_in_range, the_pass_is_in_range,
    every_block_has_one_owner, only_written_back_slots_have_blocks, every_request_is_in_one_place,
    the_device_works_for_requests_in_flight, every_pp_slot_is_owned_once, the_budget_is_conserved,
    nothing_remains_at_rest, counters_equal_a_recount, a_written_back_block_holds_the_page,
    a_kept_claim_means_unchanged_content, nobody_touches_a_freed_control_block, a_read_that_re_validates_is_sound,
    a_kept_page_is_returned_while_it_is_the_page,
)
# fmt: on


def inv(s: State) -> bool:
    """Return whether every clause holds."""
    return every([clause(s) for clause in CLAUSES])


def broken_clause(s: State) -> Clause | None:
    """Return the first clause that does not hold."""
    return next((clause for clause in CLAUSES if not clause(s)), None)
