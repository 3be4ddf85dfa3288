"""Actions of the backing device and of its completion callbacks, possible at any time."""

from spec.model.state import DONE_ERROR, DONE_OK, FLIGHT, IO_ERROR, IO_OK, PENDING, QUIET, State
from spec.model.tables import NONE
from spec.model.terms import at, choose, put


def io_pending(s: State, b: int) -> bool:
    """The device is writing the block."""
    return at(s.blocks, b).io == PENDING


def device_ok(s: State, b: int) -> State:
    """The block has been written."""
    return s._replace(blocks=put(s.blocks, b, at(s.blocks, b)._replace(io=IO_OK)))


def device_error(s: State, b: int) -> State:
    """The write failed, and the block may contain anything."""
    return s._replace(blocks=put(s.blocks, b, at(s.blocks, b)._replace(io=IO_ERROR, holds=NONE)))


def can_endio_queue(s: State, r: int) -> bool:
    """The device has answered a request in flight."""
    q = at(s.reqs, r)
    return (q.phase == FLIGHT) & (at(s.blocks, choose(q.phase == FLIGHT, q.blk, 0)).io >= IO_OK)


def endio_queue(s: State, r: int) -> State:
    """Put the answered request on the done queue; the callback is still inside the control block."""
    q = at(s.reqs, r)
    block = at(s.blocks, q.blk)
    answered = q._replace(phase=choose(block.io == IO_OK, DONE_OK, DONE_ERROR), inside=1)
    return s._replace(reqs=put(s.reqs, r, answered), blocks=put(s.blocks, q.blk, block._replace(io=QUIET)))


def can_endio_leave(s: State, r: int) -> bool:
    """The callback is inside the control block."""
    return at(s.reqs, r).inside == 1


def endio_leave(s: State, r: int) -> State:
    """Wake the pass and leave: the last access to the control block."""
    return s._replace(reqs=put(s.reqs, r, at(s.reqs, r)._replace(inside=0)))
