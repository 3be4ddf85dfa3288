"""Every slot changes as the specification says, kind by kind: a contract for CrossHair, which confirms it.

It is about `entries.SlotTable`, the only writer of slots, and about the scan that claims them. Whatever a slot is and
whatever happens to it, both make the same of its kind, marks and block, and count the same.
"""

from collections.abc import Callable
from typing import Final

from spec.model import user, writeback
from spec.model.state import DONE_OK, WRITING, Block, Budget, Counts, Req, Slot, State
from spec.model.tables import EMPTY, ILLEGAL, NONE, PP_SLOT, SAME, SLOT_TABLE, STORED, WB
from spec.model.terms import bit, within  # noqa: F401  (used in contracts)
from spec.model.transitions import recount
from zram_impl.decisions import Mode
from zram_impl.device.snapshot import slot_view
from zram_impl.parsing.writeback_args import Scan
from zram_impl.passes.scan import Cursor
from zram_impl.table.block_map import NextFit
from zram_impl.table.entries import Backed
from zram_impl.table.slot_table import IDLE, OWNED, SlotTable
from zram_impl.table.slot_table import PP_SLOT as CLAIM
from zram_impl.units import PAGE_SIZE, BlkIdx

_OBJECTS: Final = (bytes(100), bytes(PAGE_SIZE))
"""By whether they are huge."""
_WORD: Final = 7

_IMPLEMENTED: Final[tuple[Callable[[SlotTable, int], object], ...]] = (
    lambda table, huge: table.replace(0, _OBJECTS[huge]),
    lambda table, _huge: table.replace(0, _WORD),
    lambda table, _huge: table.accessed(0),
    lambda table, _huge: table.replace(0, None),
    lambda table, _huge: Cursor([Scan(Mode.PAGES, 0, 1)], queue_twice=False).select(table, 1),
    lambda table, _huge: table.release_claim(0),
    lambda table, _huge: table.commit([(0, BlkIdx(0), 0)]),
)
_SPECIFIED: Final[tuple[Callable[[State, int], State], ...]] = (
    lambda s, huge: user.write(s, 0, huge),
    lambda s, _huge: user.write_same(s, 0),
    lambda s, _huge: user.read(s, 0),
    lambda s, _huge: user.discard(s, 0),
    lambda s, _huge: writeback.scan(s, 0),
    lambda s, _huge: writeback.give_up(s, 0),
    lambda s, _huge: writeback.reap(s, 0),
)
"""Events of a slot, in the order of the columns of the table."""


def possible(kind: int, huge: int, idle: int, event: int) -> bool:
    """Return whether there is such a slot, and the table says what becomes of it."""
    marked = (huge == 0 or kind >= STORED) and (idle == 0 or kind in (STORED, PP_SLOT))
    return marked and SLOT_TABLE[event][kind] != ILLEGAL


def slots_agree(kind: int, huge: int, idle: int, event: int, written: int) -> bool:
    """Make the same of a slot, and count the same.

    pre: within(EMPTY, kind, WB) & bit(huge) & bit(idle) & bit(written) & within(0, event, len(SLOT_TABLE) - 1)
    pre: possible(kind, huge, idle, event)
    post: __return__
    """
    slot = Slot(kind, huge, idle, 0 if kind == WB else NONE)
    table = _table(slot)
    _IMPLEMENTED[event](table, written)
    after = _SPECIFIED[event](_state(slot), written)
    view = slot_view(table.entries[0], table.flags[0])
    ours = Slot(int(view.kind), int(view.huge), int(view.idle), NONE if view.blk_idx is None else view.blk_idx)
    counts = Counts(table.pages_stored, table.same_pages, table.huge_pages, after.counts.bd_count)
    return (ours, counts) == (after.slots[0], after.counts)


def _table(slot: Slot) -> SlotTable:
    """Return a table of one such slot."""
    table = SlotTable(1, blocks=NextFit(1))
    if slot.kind == SAME:
        table.replace(0, _WORD)
    elif slot.kind > EMPTY:
        table.replace(0, _OBJECTS[slot.huge])
    if slot.kind == WB:
        table.blocks.reserve()
        table.entries[0] = Backed.at(0, PAGE_SIZE if slot.huge else 1, 0)
        table.huge_pages = 0
    table.flags[0] = IDLE * slot.idle | (CLAIM | OWNED) * (slot.kind == PP_SLOT)
    return table


def _state(slot: Slot) -> State:
    """Return a device of one such slot, whose pp_slot, if it has one, is in a bucket and with an answered request."""
    claimed = int(slot.kind == PP_SLOT)
    counts = recount(Counts(bd_count=1), Slot(), slot)
    rows = (slot,), (claimed,), (Block(used=1),), (Req(DONE_OK, slot=0, blk=0),), ()
    return State(*rows, running=WRITING, held=NONE, budget=Budget(0, 0, 1, 0), counts=counts)
