"""Python's cycle collector looks neither at the list of slots nor at entries of objects that were moved."""

import gc

import pytest

from zram_impl import Zram
from zram_impl.table.moved import Moved, moved_priority, moved_size, moved_to, offset_of, segment_of
from zram_impl.table.segments import SEGMENT_SIZE
from zram_impl.table.slot_table import SlotTable
from zram_impl.table.uncollected import uncollected
from zram_impl.units import PAGE_SIZE


def test_the_collector_does_not_know_a_slot_table() -> None:
    table = SlotTable(64)
    assert not gc.is_tracked(table.entries)
    table.entries[3] = b"an object"
    gc.collect()
    assert not gc.is_tracked(table.entries)
    assert table.entries[3] == b"an object"


def test_a_list_the_collector_does_not_know_is_freed() -> None:
    class Seen:
        gone = False

        def __del__(self) -> None:
            Seen.gone = True

    entries: list[object] = uncollected([None])
    entries[0] = Seen()
    del entries
    assert Seen.gone


@pytest.mark.parametrize("segment", [1, 1 << 20, (1 << 33) - 1])
@pytest.mark.parametrize(("offset", "size"), [(0, 1), (SEGMENT_SIZE - 1, 1), (SEGMENT_SIZE - PAGE_SIZE, PAGE_SIZE)])
@pytest.mark.parametrize("priority", [0, 3])
def test_a_moved_entry_says_where_its_object_lies(segment: int, offset: int, size: int, priority: int) -> None:
    entry = moved_to(segment, offset, size, priority)
    assert (segment_of(entry), offset_of(entry), moved_size(entry), moved_priority(entry)) == (
        segment,
        offset,
        size,
        priority,
    )
    assert type(entry) is Moved
    assert not gc.is_tracked(entry)


def test_compaction_makes_nothing_that_the_collector_counts() -> None:
    pages = 512
    with Zram.create(pages * PAGE_SIZE) as dev:
        for index in range(pages):
            dev.write_page(index, index.to_bytes(2, "little") * (PAGE_SIZE // 4) + bytes(PAGE_SIZE // 2))
        dev.discard(0, pages // 2 * PAGE_SIZE)
        known = len(gc.get_objects())
        assert dev.compact() > 0
        assert len(gc.get_objects()) - known < pages // 4
