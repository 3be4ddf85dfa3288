"""The state of the specification that a device is in, read off the device itself.

Everything comes from the implementation (its tables, its pass, its engine, the bytes in its buffers and on its backing
file) except two ghosts that no implementation has: what was granted and spent on the present grant, and whether a read
under way is sound. Those are the specification's; the clauses about them then compare both sides.
"""

from collections.abc import Mapping, Sequence

from spec.model.state import (
    ANSWERED,
    ASKED,
    AT_REST,
    DONE_ERROR,
    DONE_OK,
    FLIGHT,
    HELD,
    IO_ERROR,
    IO_OK,
    KEPT,
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
from spec.model.tables import NONE
from stateful.lockstep import stepped_reads
from stateful.lockstep.stepped_engine import Io
from stateful.lockstep.system_under_test import ReadUnderWay, Subject
from zram_impl.device.snapshot import SlotView, Snapshot
from zram_impl.engine.request import Phase, WbReq
from zram_impl.passes.base import PassStage
from zram_impl.table.entries import Backed

_RUNNING = {PassStage.OVER: AT_REST, PassStage.SCANNING: SCANNING, PassStage.WRITING: WRITING}
_IO = {Io.PENDING: PENDING, Io.OK: IO_OK, Io.ERROR: IO_ERROR}
_READING = {stepped_reads.ASKED: ASKED, stepped_reads.ANSWERED: ANSWERED}


def abstract(subject: Subject, ghost: State) -> State:
    """Return the abstract state; `ghost` is where the ghosts come from, and the number of requests there are to be."""
    requests = subject.running.requests if subject.running else []
    io = subject.engine.io if subject.engine else {}
    readers = [_reader(subject, k, reader.sound) for k, reader in enumerate(ghost.readers)]
    return state_of(subject.device.snapshot(), requests, io, _holds(subject, requests), readers, ghost)


def state_of(
    view: Snapshot,
    requests: Sequence[WbReq],
    io: Mapping[WbReq, Io],
    holds: Mapping[int, int],
    readers: Sequence[Reader],
    ghost: State,
) -> State:
    """Put a state together.

    Args:
        view: Of the device.
        requests: Of the running pass.
        io: What the device has done with those that are its.
        holds: Per block that a slot or a request owns, the page whose present content is on it or on its way to it.
        readers: The reads under way.
        ghost: Where the ghosts come from, and the number of requests there are to be.
    """
    reqs = [_request(req, io.get(req)) for req in requests]
    reqs += [Req()] * (len(ghost.reqs) - len(reqs))
    busy = {int(req.blk_idx): _IO.get(io[req], QUIET) for req in requests if req in io}
    blocks = [
        Block(used, busy.get(b, QUIET), holds.get(b, NONE) if used else NONE) for b, used in enumerate(view.blocks)
    ]
    budget = ghost.budget
    return State(
        slots=tuple(_slot(slot) for slot in view.slots),
        queued=tuple(view.queued.count(page) for page in range(len(view.slots))),
        blocks=tuple(blocks),
        reqs=tuple(reqs),
        readers=tuple(readers),
        running=_RUNNING[view.stage],
        held=NONE if view.held_block is None else view.held_block,
        budget=Budget(int(view.limit_enabled), view.limit, view.grant, budget.granted, budget.spent),
        counts=Counts(view.pages_stored, view.same_pages, view.huge_pages, view.bd_count),
    )


def _holds(subject: Subject, requests: Sequence[WbReq]) -> dict[int, int]:
    """Return, per block that a slot or a request owns, the page whose present content is on it or on its way to it."""
    contents = {
        entry.blk_idx: subject.gates.peek(entry.blk_idx)
        for entry in subject.pages.table.entries
        if type(entry) is Backed
    }
    for req in requests:
        if req.phase >= Phase.FLIGHT:
            assert subject.engine is not None, "requests in flight are an engine's"
            pending = subject.engine.io.get(req) is Io.PENDING
            contents[req.blk_idx] = bytes(req.page) if pending else subject.gates.peek(req.blk_idx)
    owner = {content: page for page, content in enumerate(subject.content)}
    return {int(block): owner.get(content, NONE) for block, content in contents.items()}


def _slot(slot: SlotView) -> Slot:
    block = NONE if slot.blk_idx is None else slot.blk_idx
    return Slot(int(slot.kind), int(slot.huge), int(slot.idle), block)


def _request(req: WbReq, io: Io | None) -> Req:
    if req.phase < Phase.FLIGHT:
        return Req(HELD if req.phase is Phase.HELD else 0)
    inside = int(io is Io.INSIDE)
    if req.phase is Phase.FLIGHT or io is Io.PENDING:
        return Req(FLIGHT, req.index, req.blk_idx, req.grant, inside)
    return Req(DONE_ERROR if req.error else DONE_OK, req.index, req.blk_idx, req.grant, inside)


def _reader(subject: Subject, k: int, sound: int) -> Reader:
    entries = subject.pages.table.entries
    if (kept := subject.kept.by_reader.get(k)) is not None:
        return Reader(KEPT, kept.page, kept.entry.blk_idx, int(entries[kept.page] is kept.entry), sound)
    under_way: ReadUnderWay | None = subject.readers.get(k)
    if under_way is None:
        return Reader()
    read = under_way.read
    valid = entries[read.index] is under_way.entry
    return Reader(_READING[read.at or ""], read.index, read.blk_idx, int(valid), sound)
