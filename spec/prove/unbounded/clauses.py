"""The invariant of a device of any size, clause by clause, under the names that `spec.model.invariant` gives them.

What speaks of a single slot or request is taken from there; where a clause counts or searches, this one asks the
additional rows of `SymbolicDevice` instead. `equal` shows that the clauses say the same.
"""

from collections.abc import Callable
from typing import Final

from spec.model.invariant import active, no_error
from spec.model.state import AT_REST, DONE_OK, FLIGHT, HELD, IDLE, KEPT, QUIET, SCANNING
from spec.model.tables import NONE, PP_SLOT, STORED, WB
from spec.model.terms import bit, every, implies, no, same, within
from spec.prove.unbounded.count import CHARGED, HUGE_PAGES, SAME_PAGES, STORED_PAGES, USED_BLOCKS
from spec.prove.unbounded.ranges import (
    readers_are_in_range,
    requests_are_in_range,
    slots_and_blocks_are_in_range,
    the_pass_is_in_range,
)
from spec.prove.unbounded.rows import (
    BLOCKS,
    NOBODY,
    PASS,
    READERS,
    REQUEST,
    REQUESTS,
    SLOT,
    SLOTS,
    Owner,
    SymbolicDevice,
    each,
    inside,
)

Clause = Callable[[SymbolicDevice], bool]


def every_block_has_one_owner(s: SymbolicDevice) -> bool:
    """Every block in use has exactly one owner: what owns it has it, and what has it owns it."""

    def block(b: int) -> bool:
        kind, which = s.owner(b)
        slot = implies(kind == SLOT, inside(s, SLOTS, which) & (s.slots(which).blk == b))
        request = implies(kind == REQUEST, inside(s, REQUESTS, which) & (s.reqs(which).blk == b))
        of_the_pass = implies(kind == PASS, s.held == b)
        return within(NOBODY, kind, PASS) & (s.blocks(b).used == no(kind == NOBODY) * 1) & slot & request & of_the_pass

    slots = each(s, SLOTS, lambda i: _owns(s, s.slots(i).blk, Owner(SLOT, i)))
    requests = each(s, REQUESTS, lambda r: _owns(s, s.reqs(r).blk, Owner(REQUEST, r)))
    return each(s, BLOCKS, block) & slots & requests & implies(s.held > NONE, s.owner(s.held).kind == PASS)


def _owns(s: SymbolicDevice, b: int, owner: Owner) -> bool:
    return implies(b > NONE, same(s.owner(b), owner))


def only_written_back_slots_have_blocks(s: SymbolicDevice) -> bool:
    """A slot has a block exactly when it is written back, and only stored pages carry marks."""

    def slot(i: int) -> bool:
        x = s.slots(i)
        return ((x.kind == WB) == (x.blk > NONE)) & implies((x.huge == 1) | (x.idle == 1), x.kind >= STORED)

    return each(s, SLOTS, slot)


def every_request_is_in_one_place(s: SymbolicDevice) -> bool:
    """A request has a slot and a block exactly from submission to reaping, and the one that is held is taken."""

    def request(r: int) -> bool:
        q = s.reqs(r)
        whole = (active(q) == (q.slot > NONE)) & (active(q) == (q.blk > NONE)) & implies(no(active(q)), q.grant == 0)
        answered = implies(q.inside == 1, (q.phase >= DONE_OK) | (q.phase == IDLE))
        return whole & answered & implies(q.phase == HELD, s.taken == r)

    return each(s, REQUESTS, request)


def the_device_works_for_requests_in_flight(s: SymbolicDevice) -> bool:
    """The device is busy with a block exactly when the request that owns it is in flight."""

    def block(b: int) -> bool:
        kind, which = s.owner(b)
        return implies(s.blocks(b).io > QUIET, (kind == REQUEST) & (s.reqs(which).phase == FLIGHT))

    def request(r: int) -> bool:
        return implies(s.reqs(r).phase == FLIGHT, s.blocks(s.reqs(r).blk).io > QUIET)

    return each(s, BLOCKS, block) & each(s, REQUESTS, request)


def every_pp_slot_is_owned_once(s: SymbolicDevice) -> bool:
    """A pp_slot is in a bucket or with the request that carries it, never both, and a claim has an owner."""

    def slot(i: int) -> bool:
        carrier = s.carrier(i)
        carried = carrier > NONE
        real = within(NONE, carrier, s.sizes.requests - 1) & implies(carried, s.reqs(carrier).slot == i)
        owned = carried | (s.queued(i) == 1)
        return real & implies(carried, s.queued(i) == 0) & implies(s.slots(i).kind == PP_SLOT, owned)

    def request(r: int) -> bool:
        return implies(s.reqs(r).slot > NONE, s.carrier(s.reqs(r).slot) == r)

    return each(s, SLOTS, slot) & each(s, REQUESTS, request)


def the_budget_is_conserved(s: SymbolicDevice) -> bool:
    """Of every grant: granted = left + charged in flight + written, and what is left is never negative."""
    b = s.budget
    known = each(s, REQUESTS, lambda r: within(0, s.reqs(r).grant, b.grant))
    conserved = b.granted == b.limit + s.recount(CHARGED) + b.spent
    return conserved & (b.limit >= 0) & bit(b.enabled) & (b.grant >= 1) & (b.spent >= 0) & known


def nothing_remains_at_rest(s: SymbolicDevice) -> bool:
    """At rest there is no claim, no pp_slot, no request and no held block; none is in flight while scanning."""
    no_claims = each(s, SLOTS, lambda i: no(s.slots(i).kind == PP_SLOT) & no(s.queued(i) == 1))
    no_work = each(s, REQUESTS, lambda r: no(s.reqs(r).phase > IDLE)) & no(s.held > NONE)
    return implies(s.running == AT_REST, no_claims) & implies(s.running <= SCANNING, no_work)


def counters_equal_a_recount(s: SymbolicDevice) -> bool:
    """Pages stored, same-filled pages, huge pages in memory and blocks in use equal a recount."""
    counters = (s.counts.stored, s.counts.same, s.counts.huge, s.counts.bd_count)
    return same(counters, tuple([s.recount(c) for c in (STORED_PAGES, SAME_PAGES, HUGE_PAGES, USED_BLOCKS)]))


def a_written_back_block_holds_the_page(s: SymbolicDevice) -> bool:
    """A written-back slot's block holds the page last written, and no write to it is under way."""

    def slot(i: int) -> bool:
        block = s.blocks(s.slots(i).blk)
        return implies(s.slots(i).kind == WB, (block.holds == i) & (block.io == QUIET))

    return each(s, SLOTS, slot)


def a_kept_claim_means_unchanged_content(s: SymbolicDevice) -> bool:
    """As long as a slot in flight keeps its claim, what is being written is what the page contains."""

    def request(r: int) -> bool:
        q = s.reqs(r)
        block = s.blocks(q.blk)
        due = active(q) & (s.slots(q.slot).kind == PP_SLOT) & no_error(q, block.io)
        return implies(due, block.holds == q.slot)

    return each(s, REQUESTS, request)


def nobody_touches_a_freed_control_block(s: SymbolicDevice) -> bool:
    """A callback is inside the control block of a pass only while the pass has not freed it."""
    return implies(s.running == AT_REST, each(s, REQUESTS, lambda r: no(s.reqs(r).inside == 1)))


def a_read_that_re_validates_is_sound(s: SymbolicDevice) -> bool:
    """A read whose slot has not been replaced since it began has, or will get, the page's own bytes."""

    def reader(k: int) -> bool:
        x = s.readers(k)
        slot = s.slots(x.slot)
        mine = (slot.kind == WB) & (slot.blk == x.blk)
        return implies(x.valid == 1, mine & (x.phase > IDLE) & (x.slot > NONE) & (x.sound == 1))

    return each(s, READERS, reader)


def a_kept_page_is_returned_while_it_is_the_page(s: SymbolicDevice) -> bool:
    """A kept page may be returned exactly as long as the page still contains these bytes."""
    return each(s, READERS, lambda k: implies(s.readers(k).phase == KEPT, s.readers(k).valid == s.readers(k).sound))


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


def inv(s: SymbolicDevice) -> bool:
    """Return whether every clause holds."""
    return every([clause(s) for clause in CLAUSES])
