"""The parts that actions are made of: giving a block back, replacing a slot, charging and refunding the budget."""

from spec.model.state import HELD, KEPT, WRITING, Block, Budget, Counts, Req, Slot, State
from spec.model.tables import COMMIT, COMPLETION_TABLE, EMPTY, NONE, PP_SLOT, SAME, SLOT_TABLE, STORED, Completion
from spec.model.terms import at, choose, count, every, put


def in_memory(slot: Slot) -> bool:
    """Return whether the slot's page is an object in memory, claimed or not; same-filled pages are not."""
    return (slot.kind == STORED) | (slot.kind == PP_SLOT)


def in_memory_huge(slot: Slot) -> bool:
    """Return whether huge_pages counts the slot: a huge slot that was written back keeps the mark, not the count."""
    return (slot.huge == 1) & in_memory(slot)


def release_block(s: State, b: int) -> State:
    """Give block `b` back; NONE is nothing to give."""
    counts = s.counts._replace(bd_count=s.counts.bd_count - (b > NONE))
    return s._replace(blocks=put(s.blocks, b, Block()), counts=counts)


def recount(counts: Counts, old: Slot, new: Slot) -> Counts:
    """Return the statistics after slot `old` became `new`; blocks are counted where they are reserved and released."""
    stored = counts.stored + (new.kind > EMPTY) - (old.kind > EMPTY)
    same = counts.same + (new.kind == SAME) - (old.kind == SAME)
    huge = counts.huge + in_memory_huge(new) - in_memory_huge(old)
    return Counts(stored, same, huge, counts.bd_count)


def set_slot(s: State, i: int, slot: Slot) -> State:
    """Replace slot `i`, whose content stays; the statistics follow."""
    return s._replace(slots=put(s.slots, i, slot), counts=recount(s.counts, at(s.slots, i), slot))


def replace_content(s: State, i: int, slot: Slot) -> State:
    """Replace slot `i` and its content: its block is free, nothing on the device is its content any more."""
    old = at(s.slots, i)
    blocks = [Block(x.used, x.io, choose(x.holds == i, NONE, x.holds)) for x in s.blocks]
    # a read that runs may return what the page was; a page that is kept may not, whatever it was before
    readers = [choose(r.slot == i, r._replace(valid=0, sound=(r.phase < KEPT) * r.sound), r) for r in s.readers]
    counts = recount(s.counts, old, slot)._replace(bd_count=s.counts.bd_count - (old.blk > NONE))
    slots, freed = put(s.slots, i, slot), put(tuple(blocks), old.blk, Block())
    return s._replace(slots=slots, blocks=freed, readers=tuple(readers), counts=counts)


def refund(budget: Budget, grant: int) -> Budget:
    """Give back what was charged to `grant`; an older grant is gone, and 0 was never charged."""
    return budget._replace(limit=budget.limit + (grant == budget.grant) * 1)


def spend(budget: Budget, grant: int) -> Budget:
    """Count a block written on `grant`."""
    return budget._replace(spent=budget.spent + (grant == budget.grant) * 1)


def may_charge(budget: Budget) -> bool:
    """Return whether one more block may be written."""
    return (budget.enabled == 0) | (budget.limit > 0)


def loop_over(s: State) -> bool:
    """Return whether the pass has no candidate left."""
    return (s.running == WRITING) & every([q == 0 for q in s.queued])


def holds_request(s: State) -> bool:
    """Return whether the pass has taken a request that it has not submitted yet."""
    return count([q.phase == HELD for q in s.reqs]) == 1


def completion(ok: int, kept: int, table: tuple[Completion, ...] = COMPLETION_TABLE) -> Completion:
    """Decide what becomes of an answered request whose slot kept its claim or lost it."""
    return at(table, 2 * ok + kept)


def finish(s: State, r: int, row: Completion) -> State:
    """Carry out `row` for request `r`, which is idle afterwards."""
    q = at(s.reqs, r)
    # a callback that has not left is inside the control block, whatever becomes of its request
    s = s._replace(reqs=put(s.reqs, r, Req(inside=q.inside)))
    slot = at(s.slots, q.slot)
    released = slot._replace(kind=choose(slot.kind == PP_SLOT, at(SLOT_TABLE.release, slot.kind), slot.kind))
    committed = Slot(kind=at(SLOT_TABLE.commit, slot.kind), huge=slot.huge, blk=q.blk)
    s = set_slot(s, q.slot, choose(row.slot == COMMIT, committed, released))
    budget = spend(refund(s.budget, choose(row.refund == 1, q.grant, 0)), choose(row.bd_writes == 1, q.grant, 0))
    return release_block(s, choose(row.block == COMMIT, NONE, q.blk))._replace(budget=budget)
