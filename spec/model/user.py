"""Actions of users: write, discard, read, mark, store attributes, reset."""

from spec.model.state import ANSWERED, ASKED, AT_REST, IDLE, KEPT, Block, Budget, Counts, Reader, Slot, State
from spec.model.tables import EMPTY, SLOT_TABLE, STORED, WB
from spec.model.terms import at, every, no, put
from spec.model.transitions import in_memory, replace_content, set_slot


def write(s: State, i: int, huge: int) -> State:
    """Store a page that does not consist of one repeated word; `huge` when it does not compress."""
    return replace_content(s, i, Slot(kind=at(SLOT_TABLE.write, at(s.slots, i).kind), huge=huge))


def write_same(s: State, i: int) -> State:
    """Store a page that consists of one repeated word."""
    return replace_content(s, i, Slot(kind=at(SLOT_TABLE.write_same, at(s.slots, i).kind)))


def can_discard(s: State, i: int) -> bool:
    """Something is there."""
    return at(s.slots, i).kind > EMPTY


def discard(s: State, i: int) -> State:
    """Free the page."""
    return replace_content(s, i, Slot(kind=at(SLOT_TABLE.free, at(s.slots, i).kind)))


def can_read(s: State, i: int) -> bool:
    """There is a page, and it is in memory."""
    return (at(s.slots, i).kind > EMPTY) & no(at(s.slots, i).kind == WB)


def read(s: State, i: int) -> State:
    """Read from memory. The slot was accessed, so it is no longer idle, and a claim on it is gone."""
    return set_slot(s, i, at(s.slots, i)._replace(kind=at(SLOT_TABLE.read, at(s.slots, i).kind), idle=0))


def can_read_begin(s: State, i: int, k: int) -> bool:
    """The page is written back, and reader `k` is free."""
    return (at(s.slots, i).kind == WB) & (at(s.readers, k).phase == IDLE)


def read_begin(s: State, i: int, k: int) -> State:
    """Take the block index under the slot's lock, then ask the device without it."""
    return s._replace(readers=put(s.readers, k, Reader(ASKED, i, at(s.slots, i).blk, valid=1, sound=1)))


def can_read_answer(s: State, k: int) -> bool:
    """The device has been asked."""
    return at(s.readers, k).phase == ASKED


def read_answer(s: State, k: int) -> State:
    """The device returns the bytes that are on the block now."""
    return s._replace(readers=put(s.readers, k, at(s.readers, k)._replace(phase=ANSWERED)))


def can_read_end(s: State, k: int) -> bool:
    """The slot still is what it was when the read began."""
    return (at(s.readers, k).phase == ANSWERED) & (at(s.readers, k).valid == 1)


def can_read_retry(s: State, k: int) -> bool:
    """The slot was replaced since the read began, so the bytes may be any page's."""
    return (at(s.readers, k).phase == ANSWERED) & (at(s.readers, k).valid == 0)


def reader_leaves(s: State, k: int) -> State:
    """Return the bytes, or throw them away and begin again; or forget a page that was kept."""
    return s._replace(readers=put(s.readers, k, Reader()))


def read_keep(s: State, k: int) -> State:
    """Return the bytes and keep them: whatever is written to the block from now on, these stay what they are."""
    return s._replace(readers=put(s.readers, k, at(s.readers, k)._replace(phase=KEPT)))


def can_read_kept(s: State, k: int) -> bool:
    """The page is kept, and its slot still is what it was when it was read."""
    return (at(s.readers, k).phase == KEPT) & (at(s.readers, k).valid == 1)


def read_kept(s: State, _k: int) -> State:
    """Return the kept bytes, without asking the device."""
    return s


def can_drop_kept(s: State, k: int) -> bool:
    """The page is kept, stale or not: why it has to go is left open."""
    return at(s.readers, k).phase == KEPT


def can_mark_idle(s: State, i: int) -> bool:
    """An in-memory page that is not marked yet; same-filled and written-back pages never are."""
    return in_memory(at(s.slots, i)) & (at(s.slots, i).idle == 0)


def mark_idle(s: State, i: int) -> State:
    """Mark the page idle; the next access takes the mark off."""
    return s._replace(slots=put(s.slots, i, at(s.slots, i)._replace(idle=1)))


def can_clear_idle(s: State, i: int) -> bool:
    """A marked page in memory that marking by age finds too young."""
    return in_memory(at(s.slots, i)) & (at(s.slots, i).idle == 1)


def clear_idle(s: State, i: int) -> State:
    """Take the idle mark off and change nothing else: a claim stays, and a huge page is still huge."""
    return s._replace(slots=put(s.slots, i, at(s.slots, i)._replace(idle=0)))


def can_recompress(s: State, i: int) -> bool:
    """Post-processing is exclusive: not while a pass runs."""
    return (s.running == AT_REST) & (at(s.slots, i).kind == STORED)


def recompress(s: State, i: int) -> State:
    """Store the same page smaller; a page that was tried is no longer idle."""
    return set_slot(s, i, at(s.slots, i)._replace(huge=0, idle=0))


def store_limit(s: State, limit: int) -> State:
    """Open a new grant. What is charged to older ones is never refunded, so the value stored is what can be spent."""
    return s._replace(budget=s.budget._replace(limit=limit, grant=s.budget.grant + 1, granted=limit, spent=0))


def toggle_limit(s: State) -> State:
    """Enable or disable the budget; what it was stored as is kept."""
    return s._replace(budget=s.budget._replace(enabled=1 - s.budget.enabled))


def can_reset(s: State) -> bool:
    """Nothing runs; pages may be kept."""
    return (s.running == AT_REST) & every([(r.phase == IDLE) | (r.phase == KEPT) for r in s.readers])


def reset(s: State) -> State:
    """Forget everything; the budget as well, as the driver's documentation (not the driver) says."""
    rows = (Slot(),) * len(s.slots), (Block(),) * len(s.blocks), (Reader(),) * len(s.readers)
    budget = Budget(enabled=0, limit=0, grant=s.budget.grant + 1, granted=0)
    return s._replace(slots=rows[0], blocks=rows[1], readers=rows[2], budget=budget, counts=Counts())
