"""A consistent snapshot of a device's slots, blocks and requests, and the text of block_state; neither is an access."""

from typing import NamedTuple

from zram_impl.decisions import SlotKind
from zram_impl.device.passes import Passes
from zram_impl.engine.request import Phase, WbReq
from zram_impl.pages.page_io import Pages
from zram_impl.parsing.ranges import page_range
from zram_impl.passes.base import PassStage
from zram_impl.passes.writeback import WritebackPass
from zram_impl.runtime import Lock
from zram_impl.table.entries import IN_MEMORY, Backed, Entry, priority_of, size_of
from zram_impl.table.slot_table import IDLE, INCOMPRESSIBLE, OWNED, PP_SLOT
from zram_impl.units import PAGE_SIZE


class SlotView(NamedTuple):
    """One slot."""

    kind: SlotKind
    size: int
    """Of its object in bytes, also when it is written back; 0 for empty and same-filled slots."""
    huge: bool
    idle: bool
    owned: bool
    """A pp_slot exists for it."""
    blk_idx: int | None


class RequestView(NamedTuple):
    """One request of the running pass."""

    phase: Phase
    slot: int | None
    blk_idx: int | None
    grant: int
    page: bytes | None
    """The page that is being written; None unless in flight or answered."""


class Snapshot(NamedTuple):
    """Everything at one moment."""

    slots: tuple[SlotView, ...]
    queued: tuple[int, ...]
    """Slots whose pp_slot waits in a bucket."""
    requests: tuple[RequestView, ...]
    held_block: int | None
    stage: PassStage
    """OVER when no pass runs."""
    blocks: bytes
    """One byte a block, 1 in use."""
    limit_enabled: bool
    limit: int
    grant: int
    pages_stored: int
    same_pages: int
    huge_pages: int
    compr_data_size: int
    bd_count: int


def snapshot(passes: Passes, lock: Lock) -> Snapshot:
    """Take the table lock and copy; exact as long as nobody is advancing the pass at the same time."""
    with lock:
        running, table, budget = passes.running, passes.pages.table, passes.pages.shared.budget
        writing = running if isinstance(running, WritebackPass) else None
        return Snapshot(
            slots=tuple(slot_view(e, f) for e, f in zip(table.entries, table.flags, strict=True)),
            queued=tuple(running.waiting()) if running else (),
            requests=tuple(_request(req) for req in writing.requests) if writing else (),
            held_block=writing.held_block if writing else None,
            stage=running.stage if running else PassStage.OVER,
            blocks=table.blocks.in_use(),
            limit_enabled=budget.enabled,
            limit=budget.limit,
            grant=budget.grant,
            pages_stored=table.pages_stored,
            same_pages=table.same_pages,
            huge_pages=table.huge_pages,
            compr_data_size=table.compr_data_size,
            bd_count=table.blocks.used,
        )


def slot(pages: Pages, lock: Lock, index: int) -> SlotView:
    """Return one slot; EINVAL when there is no such page."""
    page_range(pages.pages, index, PAGE_SIZE)
    table = pages.table
    with lock:
        return slot_view(table.entries[index], table.flags[index])


def slot_view(entry: Entry, flags: int) -> SlotView:
    """Return what an entry and its flags say of a slot."""
    kind, size, block = SlotKind.EMPTY, 0, None
    if isinstance(entry, IN_MEMORY):
        kind, size = (SlotKind.PP_SLOT if flags & PP_SLOT else SlotKind.STORED), size_of(entry)
    elif type(entry) is Backed:
        kind, size, block = SlotKind.WB, entry.size, entry.blk_idx
    elif entry is not None:
        kind = SlotKind.SAME
    return SlotView(kind, size, size == PAGE_SIZE, bool(flags & IDLE), bool(flags & OWNED), block)


def _request(req: WbReq) -> RequestView:
    if req.phase < Phase.FLIGHT:
        return RequestView(req.phase, None, None, 0, None)
    return RequestView(req.phase, req.index, req.blk_idx, req.grant, bytes(req.page))


def block_state(pages: Pages, lock: Lock) -> str:
    """Return debugfs' block_state: index, second of the last access and the marks s w h i r n of every stored page."""
    with lock:
        rows = _rows(pages)
    return "".join(f"{index:12d} {second:12d}.{0:06d} {_marks(entry, flags)}\n" for index, second, entry, flags in rows)


def _rows(pages: Pages) -> list[tuple[int, int, Entry, int]]:
    table = pages.table
    return [
        (index, pages.times.second(index), entry, table.flags[index])
        for index, entry in enumerate(table.entries)
        if entry is not None
    ]


def _marks(entry: Entry, flags: int) -> str:
    slot = slot_view(entry, flags)
    marks = {
        "s": slot.kind is SlotKind.SAME,
        "w": slot.kind is SlotKind.WB,
        "h": slot.huge,
        "i": slot.idle,
        "r": _priority(entry) > 0,
        "n": bool(flags & INCOMPRESSIBLE),
    }
    return "".join(mark if holds else "." for mark, holds in marks.items())


def _priority(entry: Entry) -> int:
    if type(entry) is Backed:
        return entry.priority
    return priority_of(entry) if isinstance(entry, IN_MEMORY) else 0
