"""The backing device of a device of any size, and its callbacks: `spec.model.backing_device`, for a solver."""

from typing import Final

from spec.model.state import DONE_ERROR, DONE_OK, FLIGHT, IO_ERROR, IO_OK, PENDING, QUIET
from spec.model.tables import NONE
from spec.prove.unbounded.rows import SymbolicDevice, pick
from spec.prove.unbounded.transitions import Change, Move, with_block, with_request


def _io_pending(s: SymbolicDevice, b: int) -> bool:
    return s.blocks(b).io == PENDING


def _device_ok(s: SymbolicDevice, b: int) -> Change:
    return Change(with_block(s, b, s.blocks(b)._replace(io=IO_OK)), block=b)


def _device_error(s: SymbolicDevice, b: int) -> Change:
    return Change(with_block(s, b, s.blocks(b)._replace(io=IO_ERROR, holds=NONE)), block=b)


def _can_endio_queue(s: SymbolicDevice, r: int) -> bool:
    return (s.reqs(r).phase == FLIGHT) & (s.blocks(s.reqs(r).blk).io >= IO_OK)


def _endio_queue(s: SymbolicDevice, r: int) -> Change:
    q = s.reqs(r)
    block = s.blocks(q.blk)
    answered = q._replace(phase=pick(block.io == IO_OK, DONE_OK, DONE_ERROR), inside=1)
    return Change(with_block(with_request(s, r, answered), q.blk, block._replace(io=QUIET)), block=q.blk, request=r)


def _can_endio_leave(s: SymbolicDevice, r: int) -> bool:
    return s.reqs(r).inside == 1


def _endio_leave(s: SymbolicDevice, r: int) -> Change:
    return Change(with_request(s, r, s.reqs(r)._replace(inside=0)), request=r)


MOVES: Final = {
    "device_ok": Move(_io_pending, _device_ok),
    "device_error": Move(_io_pending, _device_error),
    "endio_queue": Move(_can_endio_queue, _endio_queue),
    "endio_leave": Move(_can_endio_leave, _endio_leave),
}
