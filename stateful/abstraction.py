"""The state of the specification that a device is in, read off the device itself.

Everything comes from the implementation (its tables, its pass, its engine, the bytes in its buffers and on its backing
file) except two ghosts that no implementation has: what was granted and spent on the present grant, and whether a read
under way is sound. Those are the specification's; the clauses about them then compare both sides.
"""

from collections.abc import Mapping, Sequence

from spec.state import (
    ANSWERED,
    ASKED,
    AT_REST,
    DONE_ERROR,
    DONE_OK,
    FLIGHT,
    HELD,
    IO_ERROR,
    IO_OK,
    PENDING,
    QUIET,
    SCANNING,
    WRITING,
    Block,
    Budget,
    Counts,
    Reader,
    Req,
    Slot,
    State,
)
from spec.tables import NONE
from stateful import gated
from stateful.gated import SteppedRead
from stateful.stepped import Io
from zram_impl.request import Phase, WbReq
from zram_impl.view import SlotView, Snapshot
from zram_impl.wbpass import Stage

_RUNNING = {Stage.OVER: AT_REST, Stage.SCANNING: SCANNING, Stage.WRITING: WRITING}
_IO = {Io.PENDING: PENDING, Io.OK: IO_OK, Io.ERROR: IO_ERROR}


def abstract(
    view: Snapshot,
    requests: Sequence[WbReq],
    io: Mapping[WbReq, Io],
    holds: Mapping[int, int],
    readers: tuple[Reader, ...],
    ghost: State,
) -> State:
    """Return the abstract state.

    Args:
        view: The device's snapshot.
        requests: Of the running pass, in the order of the snapshot.
        io: What the engine has done with each of those it carries.
        holds: Per block that a slot or a request owns, the page whose present content is on it or on its way to it.
        readers: Reads under way, as `reader` makes them.
        ghost: Where the ghosts come from, and the number of requests the specification has.
    """
    reqs = [_request(req, io.get(req)) for req in requests]
    reqs += [Req()] * (len(ghost.reqs) - len(reqs))
    busy = {req.blk_idx: _IO.get(io[req], QUIET) for req in requests if req in io}
    blocks = tuple(
        Block(used, busy.get(b, QUIET), holds.get(b, NONE) if used else NONE) for b, used in enumerate(view.blocks)
    )
    return State(
        slots=tuple(_slot(slot) for slot in view.slots),
        queued=tuple(int(i in view.queued) for i in range(len(view.slots))),
        blocks=blocks,
        reqs=tuple(reqs),
        readers=readers,
        running=_RUNNING[view.stage],
        held=NONE if view.held_block is None else view.held_block,
        budget=Budget(
            int(view.limit_enabled), view.limit, view.grant, ghost.budget.granted, ghost.budget.spent
        ),
        counts=Counts(view.pages_stored, view.same_pages, view.huge_pages, view.bd_count),
    )  # fmt: skip


def _slot(slot: SlotView) -> Slot:
    block = NONE if slot.blk_idx is None else slot.blk_idx
    return Slot(int(slot.kind), int(slot.huge), int(slot.idle), block)


def _request(req: WbReq, io: Io | None) -> Req:
    if req.phase < Phase.FLIGHT:
        return Req(HELD if req.phase is Phase.HELD else 0)
    inside = int(io is Io.INSIDE)
    if req.phase is Phase.FLIGHT:
        return Req(FLIGHT, req.index, req.blk_idx, req.grant, inside)
    return Req(DONE_ERROR if req.error else DONE_OK, req.index, req.blk_idx, req.grant, inside)


def reader(read: SteppedRead, *, valid: bool, sound: int) -> Reader:
    """Return the abstract state of a read under way; `valid`: its slot has the entry it had when the read began."""
    phase = {gated.ASKED: ASKED, gated.ANSWERED: ANSWERED}[read.at or ""]
    return Reader(phase, read.index, read.blk_idx, int(valid), sound)
