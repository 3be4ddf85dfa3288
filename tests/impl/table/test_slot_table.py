"""The slot table: what replacing, committing and accessing do to entries, flags and statistics."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import zram_impl
from zram_impl.table.block_map import NextFit
from zram_impl.table.entries import Backed, Entry, of_priority
from zram_impl.table.slot_table import IDLE, INCOMPRESSIBLE, OWNED, PP_SLOT, SlotTable
from zram_impl.units import PAGE_SIZE, BlkIdx

ALL_FLAGS = IDLE | PP_SLOT | INCOMPRESSIBLE | OWNED
OBJECT, RAW = b"o" * 100, b"r" * PAGE_SIZE

Stats = tuple[int, int, int, int, int]


def stats(table: SlotTable) -> Stats:
    return table.pages_stored, table.same_pages, table.huge_pages, table.huge_pages_since, table.compr_data_size


def recount(table: SlotTable) -> Stats:
    """The statistics as the entries say, but for the one that only history knows."""
    stored = [entry for entry in table.entries if type(entry) is bytes]
    return (
        sum(entry is not None for entry in table.entries),
        sum(type(entry) is int for entry in table.entries),
        sum(len(entry) == PAGE_SIZE for entry in stored),
        table.huge_pages_since,
        sum(map(len, stored)),
    )


def table_with(entry: Entry) -> SlotTable:
    table = SlotTable(1, blocks=NextFit(8))
    if entry is not None:
        table.replace(0, entry)
    return table


def reserved(table: SlotTable, block: int) -> BlkIdx:
    """Blocks from the first to this one, in use; this one."""
    return table.blocks.reserve_up_to(block + 1)[-1]


@given(st.integers(0, 1 << 40), st.integers(0, PAGE_SIZE), st.integers(0, 2**32 - 1))
def test_a_backed_entry_gives_back_what_it_was_made_of(blk_idx: int, size: int, checksum: int) -> None:
    entry = Backed.at(blk_idx, size, checksum)
    assert (entry.blk_idx, entry.size, entry.checksum) == (blk_idx, size, checksum)


def test_each_commit_makes_a_new_entry_even_for_the_same_block() -> None:
    assert Backed.at(3, 100, 7) is not Backed.at(3, 100, 7)


CONTENTS: list[Entry] = [None, 5, OBJECT, RAW]
NAMES = ["empty", "same-filled", "object", "raw page"]


@pytest.mark.parametrize(
    ("entry", "pages", "same", "huge", "size"),
    [(None, 0, 0, 0, 0), (5, 1, 1, 0, 0), (OBJECT, 1, 0, 0, 100), (RAW, 1, 0, 1, PAGE_SIZE)],
    ids=NAMES,
)
@pytest.mark.parametrize("old", CONTENTS, ids=NAMES)
def test_after_a_replacement_only_the_new_content_counts(
    old: Entry, entry: Entry, pages: int, same: int, huge: int, size: int
) -> None:
    table = table_with(old)
    ever_huge = table.huge_pages_since + huge
    table.replace(0, entry)
    assert (table.entries[0], stats(table)) == (entry, (pages, same, huge, ever_huge, size))


@pytest.mark.parametrize("entry", [None, 5, OBJECT], ids=["empty", "same-filled", "object"])
def test_replacing_a_written_back_slot_releases_its_block(entry: Entry) -> None:
    table = table_with(RAW)
    table.commit([(0, reserved(table, 6), 1)])
    table.replace(0, entry)
    assert (table.blocks.in_use(), table.blocks.used) == (bytes([1] * 6 + [0] * 2), 6)
    assert stats(table) == recount(table)


def test_block_zero_is_a_block() -> None:
    table = table_with(OBJECT)
    table.commit([(0, reserved(table, 0), 0)])
    table.replace(0, None)
    assert table.blocks.used == 0


def test_a_block_that_is_not_in_use_is_not_released() -> None:
    table = table_with(OBJECT)
    table.commit([(0, BlkIdx(3), 0)])
    with pytest.raises(AssertionError, match="every block has one owner: block 3 is released twice"):
        table.replace(0, None)
    assert type(table.entries[0]) is Backed


@pytest.mark.parametrize("content", [OBJECT, RAW], ids=["object", "raw page"])
def test_a_commit_frees_the_memory_and_keeps_the_page_stored(content: bytes) -> None:
    table = table_with(content)
    since = table.huge_pages_since
    table.commit([(0, BlkIdx(3), 7)])
    entry = table.entries[0]
    assert type(entry) is Backed
    assert (entry.blk_idx, entry.size, entry.checksum) == (3, len(content), 7)
    assert stats(table) == (1, 0, 0, since, 0)


@given(st.lists(st.sampled_from([OBJECT, RAW, b"moved", of_priority(b"packed", 2)]), min_size=1, max_size=5))
def test_a_commit_of_many_is_that_of_each(contents: list[bytes]) -> None:
    def filled() -> SlotTable:
        table = SlotTable(len(contents))
        for index, content in enumerate(contents):
            table.replace(index, b"it was longer before that")
            table.replace(index, content)
            if content == b"moved":
                table.move(index)
        return table

    together, singly = filled(), filled()
    together.commit([(index, BlkIdx(index), index + 7) for index in range(len(contents))])
    for index in range(len(contents)):
        singly.commit([(index, BlkIdx(index), index + 7)])
    assert together.entries == singly.entries
    assert [type(entry) for entry in together.entries] == [Backed] * len(contents)
    for table in (together, singly):
        assert stats(table) == recount(table)
        assert (table.peak, table.segments.live) == (singly.peak, 0)


@pytest.mark.parametrize("entry", [None, 5], ids=["empty", "same-filled"])
def test_only_a_stored_slot_is_committed(entry: Entry) -> None:
    table = table_with(entry)
    with pytest.raises(AssertionError, match="only a stored slot is written back: slot 0 is"):
        table.commit([(0, BlkIdx(3), 7)])


@pytest.mark.parametrize(
    ("do", "left"),
    [
        (lambda table: table.replace(0, RAW), OWNED),
        (lambda table: table.commit([(0, BlkIdx(3), 7)]), PP_SLOT | INCOMPRESSIBLE | OWNED),
        (lambda table: table.accessed(0), INCOMPRESSIBLE | OWNED),
        (lambda table: table.release_claim(0), IDLE | INCOMPRESSIBLE),
    ],
    ids=["replace", "commit", "accessed", "release_claim"],
)
def test_flags_that_stay(do: Callable[[SlotTable], object], left: int) -> None:
    table = table_with(OBJECT)
    table.flags[0] = ALL_FLAGS
    do(table)
    assert table.flags[0] == left


ENTRIES = st.one_of(st.none(), st.integers(0, 2**64 - 1), st.binary(min_size=1, max_size=9), st.just(RAW))


OBJECTS = st.integers(1, PAGE_SIZE).map(bytes)


@given(
    st.lists(st.tuples(OBJECTS, OBJECTS | st.just(RAW), st.integers(0, ALL_FLAGS)), min_size=1, max_size=6),
    st.integers(0, 1),
    st.integers(0, 5 * PAGE_SIZE),
)
def test_objects_replaced_together_are_as_one_after_the_other(
    slots: list[tuple[bytes, bytes, int]], before: int, peak: int
) -> None:
    old, new, flags = zip(*slots, strict=True)
    tables = []
    for _ in range(2):
        table = SlotTable(before + len(slots))
        for index, content in enumerate([RAW] * before + list(old)):
            table.replace(index, content)
        table.flags[:], table.peak = bytes(before) + bytes(flags), peak
        tables.append(table)
    together, each = tables
    assert together.replace_objects(before, new)
    for index, content in enumerate(new, start=before):
        each.replace(index, content)
    of_all = [name for name in SlotTable.__slots__ if name not in ("blocks", "segments")]
    assert [getattr(together, name) for name in of_all] == [getattr(each, name) for name in of_all]


@pytest.mark.parametrize("other", [None, 5, of_priority(b"packed", 2)], ids=["empty", "same-filled", "recompressed"])
@pytest.mark.parametrize("comes", [False, True], ids=["is there", "comes"])
def test_only_plain_objects_are_replaced_together(other: Entry, comes: bool) -> None:
    table = SlotTable(2)
    table.replace(0, OBJECT)
    table.replace(1, OBJECT if comes else other)
    before = list(table.entries), stats(table)
    assert not table.replace_objects(0, [RAW, other if comes else RAW])
    assert (table.entries, stats(table)) == before


def test_objects_are_not_replaced_together_near_the_limit() -> None:
    table = SlotTable(2, limit=3 * PAGE_SIZE - 1)
    table.replace(0, RAW)
    table.replace(1, RAW)
    assert not table.replace_objects(0, [OBJECT, OBJECT]), "the first new object may be a page beside two old ones"
    table.limit += 1
    assert table.replace_objects(0, [OBJECT, OBJECT])


@given(st.lists(st.tuples(st.integers(0, 3), ENTRIES | st.just("commit"))))
def test_statistics_equal_a_recount_after_any_history(steps: list[tuple[int, Entry | str]]) -> None:
    table = SlotTable(4, blocks=NextFit(4))
    for index, step in steps:
        if not isinstance(step, str):
            table.replace(index, step)
        elif type(table.entries[index]) is bytes:
            block = table.blocks.reserve()
            assert block is not None, "there is a block for each slot"
            table.commit([(index, block, 0)])
        owned = {entry.blk_idx for entry in table.entries if type(entry) is Backed}
        assert {block for block, used in enumerate(table.blocks.in_use()) if used} == owned
        assert (stats(table), table.blocks.used) == (recount(table), len(owned))


def writes_of_slots(source: str) -> list[int]:
    """Return the lines that store to an element or a slice of a table's entries or flags, by any name of theirs."""
    fields = {"entries", "flags", "_entries", "_flags"}

    def is_a_slot(target: ast.expr) -> bool:
        if isinstance(target, ast.Tuple | ast.List):
            return any(map(is_a_slot, target.elts))
        of = target.value if isinstance(target, ast.Subscript) else None
        return (of.id if isinstance(of, ast.Name) else of.attr if isinstance(of, ast.Attribute) else "") in fields

    stores = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assign | ast.AugAssign | ast.Delete)]
    return [
        node.lineno
        for node in stores
        if any(map(is_a_slot, [node.target] if isinstance(node, ast.AugAssign) else node.targets))
    ]


def test_nobody_else_writes_slots_and_flags() -> None:
    """Marks were put on by the pass that puts them on, past the table."""
    device = Path(zram_impl.__file__).parent
    writing = {
        path.relative_to(device).as_posix() for path in device.rglob("*.py") if writes_of_slots(path.read_text("utf-8"))
    }
    assert writing == {"table/slot_table.py"}


@pytest.mark.parametrize(
    "line",
    ["flags[index] ^= IDLE", "table.entries[1] = entry", "a, self._flags[:] = 1, 2", "del dev.table.flags[0]"],
)
def test_a_write_past_the_table_is_noticed(line: str) -> None:
    assert writes_of_slots(f"count = flags[1]\n{line}\n") == [2]
