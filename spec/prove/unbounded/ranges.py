"""The clauses of the invariant that say which values there are, of a device of any size."""

from spec.model.state import AT_REST, DONE_ERROR, IDLE, IO_ERROR, KEPT, QUIET, WRITING
from spec.model.tables import EMPTY, NONE, WB
from spec.model.terms import bit, within
from spec.prove.unbounded.rows import BLOCKS, READERS, REQUESTS, SLOTS, SymbolicDevice, each


def slots_and_blocks_are_in_range(s: SymbolicDevice) -> bool:
    """Every field of slots and blocks is in its range."""
    n, last = s.sizes.slots - 1, s.sizes.blocks - 1

    def slot(i: int) -> bool:
        x = s.slots(i)
        return within(EMPTY, x.kind, WB) & within(NONE, x.blk, last) & bit(x.huge) & bit(x.idle)

    def block(b: int) -> bool:
        x = s.blocks(b)
        return bit(x.used) & within(QUIET, x.io, IO_ERROR) & within(NONE, x.holds, n)

    return each(s, SLOTS, slot) & each(s, BLOCKS, block)


def requests_are_in_range(s: SymbolicDevice) -> bool:
    """Every field of requests is in its range."""

    def request(r: int) -> bool:
        q = s.reqs(r)
        place = within(NONE, q.slot, s.sizes.slots - 1) & within(NONE, q.blk, s.sizes.blocks - 1)
        return place & within(IDLE, q.phase, DONE_ERROR) & bit(q.inside)

    return each(s, REQUESTS, request)


def readers_are_in_range(s: SymbolicDevice) -> bool:
    """Every field of reads under way and of kept pages is in its range."""

    def reader(k: int) -> bool:
        x = s.readers(k)
        place = within(NONE, x.slot, s.sizes.slots - 1) & within(NONE, x.blk, s.sizes.blocks - 1)
        return place & within(IDLE, x.phase, KEPT) & bit(x.valid) & bit(x.sound)

    return each(s, READERS, reader)


def the_pass_is_in_range(s: SymbolicDevice) -> bool:
    """Every field of the pass is in its range."""
    pass_ = within(AT_REST, s.running, WRITING) & within(NONE, s.held, s.sizes.blocks - 1)
    return each(s, SLOTS, lambda i: bit(s.queued(i))) & pass_
