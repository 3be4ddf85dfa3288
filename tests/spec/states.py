"""A busy state in which every clause holds, for tests to doctor."""

from typing import Final

from spec.model.state import ANSWERED, FLIGHT, HELD, PENDING, WRITING, Block, Budget, Counts, Reader, Req, Slot, State
from spec.model.tables import EMPTY, PP_SLOT, STORED, WB

# Slot 0 is written back and being read, slot 1 in flight, slot 2 waits in a bucket, slot 3 is only stored.
BUSY: Final = State(
    slots=(Slot(WB, blk=0), Slot(PP_SLOT), Slot(PP_SLOT), Slot(STORED, huge=1, idle=1), Slot(EMPTY)),
    queued=(0, 0, 1, 0, 0),
    blocks=(Block(1, holds=0), Block(1, PENDING, holds=1), Block(1), Block()),
    reqs=(Req(FLIGHT, slot=1, blk=1, grant=1), Req(HELD), Req()),
    readers=(Reader(ANSWERED, slot=0, blk=0, valid=1, sound=1), Reader()),
    running=WRITING,
    held=2,
    budget=Budget(enabled=1, limit=1, grant=1, granted=3, spent=1),
    counts=Counts(stored=4, huge=1, bd_count=3),
)


def with_slot(s: State, i: int, **fields: int) -> State:
    """Doctor a slot."""
    return s._replace(slots=(*s.slots[:i], s.slots[i]._replace(**fields), *s.slots[i + 1 :]))


def with_block(s: State, b: int, **fields: int) -> State:
    """Doctor a block."""
    return s._replace(blocks=(*s.blocks[:b], s.blocks[b]._replace(**fields), *s.blocks[b + 1 :]))


def with_req(s: State, r: int, **fields: int) -> State:
    """Doctor a request."""
    return s._replace(reqs=(*s.reqs[:r], s.reqs[r]._replace(**fields), *s.reqs[r + 1 :]))


def with_reader(s: State, k: int, **fields: int) -> State:
    """Doctor a read."""
    return s._replace(readers=(*s.readers[:k], s.readers[k]._replace(**fields), *s.readers[k + 1 :]))
