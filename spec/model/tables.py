"""The two tables everything else follows from, and the words in them.

`SLOT_TABLE` says what becomes of a slot (a row) when something happens to it (a column); a dot is an event that
cannot happen to such a slot. The row `pp_slot` tells the story of writeback: whatever touches a selected slot takes
the claim away, and only a slot that still has its claim can become `wb`. The idle and huge marks ride along in
`state.Slot`; they never decide what is legal.

`COMPLETION_TABLE` says what becomes of the slot, the block and the budget when a write has been answered. Its third
column is what the reviewers of the 2025 batching patch argued about.

Kernel: zram_slot_free(), zram_slot_write_page(), mark_slot_accessed(), place_pp_slot(), release_pp_slot(),
zram_writeback_complete() in drivers/block/zram/zram_drv.c (7.x).
"""

from typing import Final, NamedTuple

# What a slot is. PP_SLOT is a stored slot that the running pass has claimed (the driver's ZRAM_PP_SLOT flag).
EMPTY, SAME, STORED, PP_SLOT, WB = range(5)
KINDS: Final = ("empty", "same", "stored", "pp_slot", "wb")

ILLEGAL: Final = -1
NONE: Final = -1
"""No slot, no block: outside the range of both, so that block 0 and slot 0 are like any other."""

_SLOTS = """
          write   write_same  read    free   select   release  commit
empty     stored  same        empty   empty  .        .        .
same      stored  same        same    empty  .        .        .
stored    stored  same        stored  empty  pp_slot  .        .
pp_slot   stored  same        stored  empty  .        stored   wb
wb        stored  same        wb      empty  .        .        .
"""


class SlotTable(NamedTuple):
    """One column a field: the next kind, by the kind before."""

    write: tuple[int, ...]
    write_same: tuple[int, ...]
    read: tuple[int, ...]
    free: tuple[int, ...]
    select: tuple[int, ...]
    release: tuple[int, ...]
    commit: tuple[int, ...]


# What becomes of the slot and of the block of an answered request.
RELEASE, COMMIT = range(2)

_COMPLETIONS = """
device  claim     slot     block    refund  bd_writes
error   lost      release  release  1       0
error   kept      release  release  1       0
ok      lost      release  release  0       1
ok      kept      commit   commit   0       1
"""


class Completion(NamedTuple):
    """The handling of an answered request."""

    slot: int
    """COMMIT makes the slot `wb`; RELEASE only takes the claim off, if it is still there."""
    block: int
    """COMMIT hands the block to the slot; RELEASE gives it back."""
    refund: int
    bd_writes: int


def _rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines()]


def _slot_table(text: str) -> SlotTable:
    header, *rows = _rows(text)
    assert tuple(header) == SlotTable._fields, "the columns are the fields, in order"
    assert tuple(row[0] for row in rows) == KINDS, "each kind has its row, in order"
    cells = [[ILLEGAL if cell == "." else KINDS.index(cell) for cell in row[1:]] for row in rows]
    return SlotTable(*zip(*cells, strict=True))


def _completion_table(text: str) -> tuple[Completion, ...]:
    header, *rows = _rows(text)
    assert tuple(header[2:]) == Completion._fields, "the columns are the fields, in order"
    order = [["error", "lost"], ["error", "kept"], ["ok", "lost"], ["ok", "kept"]]
    assert [row[:2] for row in rows] == order, "a row is at 2 * ok + kept"
    words = {"release": RELEASE, "commit": COMMIT, "0": 0, "1": 1}
    return tuple(Completion(*(words[cell] for cell in row[2:])) for row in rows)


SLOT_TABLE: Final = _slot_table(_SLOTS)
COMPLETION_TABLE: Final = _completion_table(_COMPLETIONS)
