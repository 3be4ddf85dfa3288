"""Calls on several pages at a time leave behind what as many calls on one page would."""

import tracemalloc

from tests.impl.doubles import Bench, huge, page
from zram_impl import PAGE_SIZE
from zram_impl.pages.page_io import CHUNK
from zram_impl.passes.idle import STEP


def idle(bench: Bench) -> list[int]:
    """The pages that are marked."""
    return [index for index, slot in enumerate(bench.snapshot.slots) if slot.idle]


def test_a_write_over_written_back_pages_gives_their_blocks_back() -> None:
    bench = Bench(pages=4).store_huge(*range(4))
    assert bench.dev.writeback("huge").written == 4
    bench.dev.write_pages(1, huge(8) + page(9))
    assert bench.dev.stats.bd.bd_count == 2
    assert bench.dev.read(0, 4 * PAGE_SIZE) == huge(0) + huge(8) + page(9) + huge(3)


def test_a_read_of_several_pages_takes_the_mark_off_each() -> None:
    bench = Bench(pages=4)
    for index in range(4):
        bench.dev.write_page(index, page(index))
    bench.dev.mark_idle()
    into = bytearray(2 * PAGE_SIZE)
    bench.dev.read_pages_into(1, into)
    assert bytes(into) == page(1) + page(2)
    assert idle(bench) == [0, 3]


def test_every_page_is_marked_wherever_the_lock_is_released() -> None:
    stored = [0, STEP - 1, STEP, 2 * STEP - 1, 2 * STEP]
    bench = Bench(pages=2 * STEP + 1)
    for index in stored:
        bench.dev.write_page(index, page(index))
    bench.dev.mark_idle()
    assert idle(bench) == stored


def test_a_write_of_many_pages_holds_one_chunk_at_a_time() -> None:
    pages = 4 * CHUNK
    bench, content = Bench(pages=pages), bytes(pages * PAGE_SIZE)
    tracemalloc.start()
    try:
        bench.dev.write_pages(0, content)
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < len(content) // 2, "bytes held at most while they were written"
