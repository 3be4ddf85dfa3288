"""The scan: which slots it claims, in which order, how far it looks at a time."""

from collections.abc import Sequence

import pytest

from zram_impl.decisions import Mode
from zram_impl.parsing.writeback_args import Scan
from zram_impl.passes.scan import LOOK_AHEAD, Cursor
from zram_impl.table.entries import Entry
from zram_impl.table.slot_table import IDLE, INCOMPRESSIBLE, OWNED, PP_SLOT, SlotTable
from zram_impl.units import PAGE_SIZE, BlkIdx

RAW = b"r" * PAGE_SIZE
EVERYTHING = 1 << 30

# 0 empty, 1 same-filled, 2 object, 3 idle object, 4 raw, 5 idle raw, 6 incompressible raw, 7 written back
ENTRIES: list[Entry] = [None, 9, b"a" * 10, b"b" * 20, RAW, RAW, RAW, b"c"]
FLAGS = [0, IDLE, 0, IDLE, 0, IDLE, INCOMPRESSIBLE, 0]


def table_of(entries: Sequence[Entry], flags: list[int]) -> SlotTable:
    table = SlotTable(len(entries))
    for index, entry in enumerate(entries):
        if entry is not None:
            table.replace(index, entry)
    table.flags[:] = bytes(flags)
    return table


def mixed() -> SlotTable:
    table = table_of(ENTRIES, FLAGS)
    table.commit([(7, BlkIdx(0), 0)])
    return table


@pytest.mark.parametrize(
    ("mode", "selected"),
    [
        (Mode.PAGES, [(2, 10), (3, 20), (4, PAGE_SIZE), (5, PAGE_SIZE), (6, PAGE_SIZE)]),
        (Mode.IDLE, [(3, 20), (5, PAGE_SIZE)]),
        (Mode.HUGE, [(4, PAGE_SIZE), (5, PAGE_SIZE), (6, PAGE_SIZE)]),
        (Mode.HUGE_IDLE, [(5, PAGE_SIZE)]),
        (Mode.INCOMPRESSIBLE, [(6, PAGE_SIZE)]),
    ],
    ids=lambda value: value.name if isinstance(value, Mode) else "",
)
def test_a_mode_claims_what_is_in_memory_and_bears_its_marks(mode: Mode, selected: list[tuple[int, int]]) -> None:
    table = mixed()
    cursor = Cursor([Scan(mode, 0, 8)], queue_twice=False)
    assert (cursor.select(table, EVERYTHING), cursor.exhausted) == (selected, True)
    claimed = dict(selected)
    assert list(table.flags) == [flag | (PP_SLOT | OWNED) * (i in claimed) for i, flag in enumerate(FLAGS)]


def test_scans_follow_one_another_as_they_are_listed() -> None:
    cursor = Cursor([Scan(Mode.PAGES, 5, 7), Scan(Mode.PAGES, 2, 4)], queue_twice=False)
    assert [index for index, _ in cursor.select(mixed(), EVERYTHING)] == [5, 6, 2, 3]


@pytest.mark.parametrize(("queue_twice", "selected"), [(False, [2]), (True, [2, 2])])
def test_a_slot_named_twice_is_claimed_twice_with_the_quirk_only(queue_twice: bool, selected: list[int]) -> None:
    cursor = Cursor([Scan(Mode.PAGES, 2, 3)] * 2, queue_twice=queue_twice)
    assert [index for index, _ in cursor.select(mixed(), EVERYTHING)] == selected


def test_an_owned_slot_without_its_claim_is_passed_over() -> None:
    table = mixed()
    table.flags[2] = OWNED
    assert Cursor([Scan(Mode.PAGES, 2, 3)], queue_twice=False).select(table, EVERYTHING) == []


def test_select_claims_as_many_as_wanted_and_continues_there() -> None:
    table, cursor = mixed(), Cursor([Scan(Mode.PAGES, 0, 8)], queue_twice=False)
    looks = []
    while not cursor.exhausted:
        looks.append([index for index, _ in cursor.select(table, 2)])
    assert looks == [[2, 3], [4, 5], [6]]


def test_what_is_stored_behind_the_last_one_is_selected_next() -> None:
    table, cursor = table_of([b"a", None], [0, 0]), Cursor([Scan(Mode.PAGES, 0, 2)], queue_twice=False)
    assert cursor.select(table, 1) == [(0, 1)]
    table.replace(1, b"bc")
    assert cursor.select(table, 1) == [(1, 2)]


@pytest.mark.parametrize("marked", [[0, 1, 2], [1, 2], [0, 2], [2]], ids=str)
def test_slots_side_by_side_or_apart_are_claimed_and_no_others(marked: list[int]) -> None:
    flags = [IDLE * (index in marked) | INCOMPRESSIBLE for index in range(4)]
    table = table_of([b"a"] * 4, flags)
    found = Cursor([Scan(Mode.IDLE, 0, 4)], queue_twice=False).select(table, EVERYTHING)
    assert found == [(index, 1) for index in marked]
    assert list(table.flags) == [flag | (PP_SLOT | OWNED) * bool(flag & IDLE) for flag in flags]


def test_one_look_is_at_so_many_slots_and_no_more() -> None:
    table = table_of([None] * LOOK_AHEAD + [b"a"], [0] * (LOOK_AHEAD + 1))
    cursor = Cursor([Scan(Mode.PAGES, 0, LOOK_AHEAD + 1)], queue_twice=False)
    looks = [(cursor.select(table, EVERYTHING), cursor.exhausted) for _ in range(2)]
    assert looks == [([], False), ([(LOOK_AHEAD, 1)], True)]


def test_no_scans_are_exhausted_at_once() -> None:
    cursor = Cursor([], queue_twice=False)
    assert (cursor.exhausted, cursor.select(mixed(), 1), cursor.exhausted) == (True, [], True)


def test_a_scan_of_no_slot_is_exhausted_at_once() -> None:
    assert Cursor([Scan(Mode.PAGES, 3, 3)], queue_twice=False).exhausted
