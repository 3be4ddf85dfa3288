"""Actions of users of a device of any size: `spec.model.user`, for a solver."""

from functools import partial
from typing import Final

from spec.model.state import ANSWERED, ASKED, AT_REST, IDLE, KEPT, Block, Budget, Counts, Reader, Slot
from spec.model.tables import EMPTY, SLOT_TABLE, STORED, WB
from spec.model.terms import no
from spec.model.transitions import in_memory
from spec.prove.unbounded.count import CHARGED, COUNTED
from spec.prove.unbounded.rows import READERS, Owner, SymbolicDevice, cell, each, updated
from spec.prove.unbounded.transitions import Change, Move, replace_content, set_slot, unguarded


def _write(s: SymbolicDevice, i: int, huge: int) -> Change:
    return replace_content(s, i, Slot(kind=cell(SLOT_TABLE.write, s.slots(i).kind), huge=huge))


def _write_same(s: SymbolicDevice, i: int) -> Change:
    return replace_content(s, i, Slot(kind=cell(SLOT_TABLE.write_same, s.slots(i).kind)))


def _can_discard(s: SymbolicDevice, i: int) -> bool:
    return s.slots(i).kind > EMPTY


def _discard(s: SymbolicDevice, i: int) -> Change:
    return replace_content(s, i, Slot(kind=cell(SLOT_TABLE.free, s.slots(i).kind)))


def _can_read(s: SymbolicDevice, i: int) -> bool:
    return (s.slots(i).kind > EMPTY) & no(s.slots(i).kind == WB)


def _read(s: SymbolicDevice, i: int) -> Change:
    slot = s.slots(i)
    return Change(set_slot(s, i, slot._replace(kind=cell(SLOT_TABLE.read, slot.kind), idle=0)), slot=i)


def _can_read_begin(s: SymbolicDevice, i: int, k: int) -> bool:
    return (s.slots(i).kind == WB) & (s.readers(k).phase == IDLE)


def _read_begin(s: SymbolicDevice, i: int, k: int) -> Change:
    return _reader(s, k, Reader(ASKED, i, s.slots(i).blk, valid=1, sound=1))


def _can_read_answer(s: SymbolicDevice, k: int) -> bool:
    return s.readers(k).phase == ASKED


def _read_answer(s: SymbolicDevice, k: int) -> Change:
    return _reader(s, k, s.readers(k)._replace(phase=ANSWERED))


def _can_read_end(s: SymbolicDevice, k: int) -> bool:
    return (s.readers(k).phase == ANSWERED) & (s.readers(k).valid == 1)


def _can_read_retry(s: SymbolicDevice, k: int) -> bool:
    return (s.readers(k).phase == ANSWERED) & (s.readers(k).valid == 0)


def _reader_leaves(s: SymbolicDevice, k: int) -> Change:
    return _reader(s, k, Reader())


def _read_keep(s: SymbolicDevice, k: int) -> Change:
    return _reader(s, k, s.readers(k)._replace(phase=KEPT))


def _can_read_kept(s: SymbolicDevice, k: int) -> bool:
    return _can_drop_kept(s, k) & (s.readers(k).valid == 1)


def _read_kept(s: SymbolicDevice, _k: int) -> Change:
    return Change(s)


def _can_drop_kept(s: SymbolicDevice, k: int) -> bool:
    return s.readers(k).phase == KEPT


def _reader(s: SymbolicDevice, k: int, reader: Reader) -> Change:
    return Change(s._replace(readers=updated(s.readers, k, reader)), reader=k)


def _can_mark(s: SymbolicDevice, i: int, *, idle: int) -> bool:
    return in_memory(s.slots(i)) & (s.slots(i).idle == 1 - idle)


def _mark(s: SymbolicDevice, i: int, *, idle: int) -> Change:
    return Change(s._replace(slots=updated(s.slots, i, s.slots(i)._replace(idle=idle))), slot=i)


def _can_recompress(s: SymbolicDevice, i: int) -> bool:
    return (s.running == AT_REST) & (s.slots(i).kind == STORED)


def _recompress(s: SymbolicDevice, i: int) -> Change:
    return Change(set_slot(s, i, s.slots(i)._replace(huge=0, idle=0)), slot=i)


def _store_limit(s: SymbolicDevice, limit: int) -> Change:
    b = s.budget._replace(limit=limit, grant=s.budget.grant + 1, granted=limit, spent=0)
    return Change(s._replace(budget=b), none_of=(CHARGED,))


def _toggle_limit(s: SymbolicDevice) -> Change:
    return Change(s._replace(budget=s.budget._replace(enabled=1 - s.budget.enabled)))


def _can_reset(s: SymbolicDevice) -> bool:
    return (s.running == AT_REST) & each(s, READERS, lambda k: (s.readers(k).phase == IDLE) | _can_drop_kept(s, k))


def _reset(s: SymbolicDevice) -> Change:
    after = s._replace(
        slots=lambda _i: Slot(),
        blocks=lambda _b: Block(),
        owner=lambda _b: Owner(),
        readers=lambda _k: Reader(),
        budget=Budget(enabled=0, limit=0, grant=s.budget.grant + 1, granted=0),
        counts=Counts(),
    )
    return Change(after, none_of=COUNTED)


MOVES: Final = {
    "write": Move(unguarded, _write),
    "write_same": Move(unguarded, _write_same),
    "discard": Move(_can_discard, _discard),
    "read": Move(_can_read, _read),
    "read_begin": Move(_can_read_begin, _read_begin),
    "read_answer": Move(_can_read_answer, _read_answer),
    "read_end": Move(_can_read_end, _reader_leaves),
    "read_retry": Move(_can_read_retry, _reader_leaves),
    "read_keep": Move(_can_read_end, _read_keep),
    "read_kept": Move(_can_read_kept, _read_kept),
    "drop_kept": Move(_can_drop_kept, _reader_leaves),
    "mark_idle": Move(partial(_can_mark, idle=1), partial(_mark, idle=1)),
    "clear_idle": Move(partial(_can_mark, idle=0), partial(_mark, idle=0)),
    "recompress": Move(_can_recompress, _recompress),
    "recompress_in_vain": Move(_can_recompress, partial(_mark, idle=0)),
    "store_limit": Move(unguarded, _store_limit),
    "toggle_limit": Move(unguarded, _toggle_limit),
    "reset": Move(_can_reset, _reset),
}
