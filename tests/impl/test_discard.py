"""Discard, write-zeroes and slot-free notification: which pages they free, and how they are counted."""

import errno

import pytest

from tests.impl.doubles import Bench, huge
from tests.refused import refused
from zram_impl import PAGE_SIZE as P
from zram_impl.pages.stats import IoStat


def stored(pages: int = 4) -> Bench:
    """Every page is stored."""
    return Bench(pages=pages).store_huge(*range(pages))


def freed(bench: Bench) -> list[int]:
    return [index for index, slot in enumerate(bench.snapshot.slots) if not slot.size]


RANGES = [
    (0, 4 * P, [0, 1, 2, 3]),
    (P, 2 * P, [1, 2]),
    (P, 2 * P - 1, [1]),
    (P - 1, 2 * P + 1, [1, 2]),
    (P - 1, 2 * P, [1]),
    (P + 1, 2 * P, [2]),
    (1, P, []),
    (1, P - 1, []),
    (1, 2 * P - 1, [1]),
    (512, 512, []),
    (P, 0, []),
    (4 * P, 0, []),
]


@pytest.mark.parametrize(("offset", "length", "pages"), RANGES)
def test_a_discard_frees_whole_pages_alone(offset: int, length: int, pages: list[int]) -> None:
    bench = stored()
    bench.dev.discard(offset, length)
    assert freed(bench) == pages
    assert bench.dev.stats.io == IoStat(notify_free=len(pages))
    assert [bench.dev.read_page(i) for i in range(4)] == [bytes(P) if i in pages else huge(i) for i in range(4)]


@pytest.mark.parametrize(("offset", "length", "pages"), RANGES)
def test_write_zeroes_zeroes_every_byte_and_frees_whole_pages(offset: int, length: int, pages: list[int]) -> None:
    bench = stored()
    expected = bench.dev.read(0, 4 * P)
    bench.dev.write_zeroes(offset, length)
    expected = expected[:offset] + bytes(length) + expected[offset + length :]
    assert (bench.dev.read(0, 4 * P), freed(bench)) == (expected, pages)
    assert bench.dev.stats.io.notify_free == len(pages)


def test_a_page_that_is_free_already_is_counted_all_the_same() -> None:
    bench = stored(2)
    bench.dev.discard(0, P)
    bench.dev.discard(0, 2 * P)
    bench.dev.slot_free_notify(1)
    assert (bench.dev.stats.io.notify_free, bench.dev.stats.mm.orig_data_size) == (4, 0)


def test_a_notification_frees_a_page_its_block_and_its_claim() -> None:
    bench = stored()
    bench.dev.writeback(pages=[2])
    running = bench.dev.begin_writeback(pages=[3])
    running.advance(1)
    for index in (2, 3):
        bench.dev.slot_free_notify(index)
    assert (freed(bench), bench.snapshot.bd_count) == ([2, 3], 0)
    while running.advance().name != "DONE":
        pass
    assert running.result.skipped == 1


@pytest.mark.parametrize("index", [-1, 4, 1 << 70])
def test_a_notification_of_no_page_is_refused(index: int) -> None:
    bench = stored()
    with refused(errno.EINVAL, "must be within 0 to 3"):
        bench.dev.slot_free_notify(index)
    assert bench.dev.stats.io.notify_free == 0
