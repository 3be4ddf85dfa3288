"""mem_limit, mem_used_max and what mm_stat says of memory."""

import errno

import pytest

from tests.impl.doubles import Bench, huge, page, same
from tests.refused import refused
from zram_impl import PAGE_SIZE, Zram, ZramError
from zram_impl.pages.stats import stats_of


def limited(pages: int) -> Bench:
    """A device whose objects may have so many pages; page 0 is huge."""
    bench = Bench()
    bench.dev.set_mem_limit(pages * PAGE_SIZE)
    bench.dev.write_page(0, huge(0))
    return bench


@pytest.mark.parametrize("index", [0, 1])
def test_a_write_beyond_the_limit_is_enomem_and_keeps_the_page(index: int) -> None:
    bench = limited(1)
    before = bench.snapshot
    with refused(errno.ENOMEM, "4096 bytes more than 4096 exceed mem_limit 4096"):
        bench.dev.write_page(index, huge(7))
    assert (bench.snapshot, bench.dev.read_page(0)) == (before, huge(0))
    assert bench.dev.stats.io.failed_writes == 1


def test_a_refused_write_keeps_a_written_back_page_and_its_block() -> None:
    bench = Bench().store(0, 1)
    assert bench.dev.writeback(pages=[0]).written == 1
    bench.dev.set_mem_limit(1)
    before = bench.snapshot
    with pytest.raises(ZramError):
        bench.dev.write_page(0, huge(7))
    assert (bench.snapshot, bench.dev.read_page(0)) == (before, page(0))


def test_the_limit_is_reached_by_whole_pages_of_objects() -> None:
    bench = limited(2)
    bench.store(1)  # some dozens of bytes
    with pytest.raises(ZramError):
        bench.dev.write_page(2, huge(2))
    bench.store(2, 3)
    assert bench.dev.stats.mm.mem_used_total == 2 * PAGE_SIZE


def test_pages_without_an_object_need_no_memory() -> None:
    bench = limited(1)
    bench.dev.write_page(0, same(7))
    bench.dev.write_page(1, bytes(PAGE_SIZE))
    assert bench.dev.stats.mm.mem_used_total == 0


def test_a_bulk_write_stores_what_fits() -> None:
    bench = limited(3)
    with refused(errno.ENOMEM):
        bench.dev.write_pages(1, huge(1) + huge(2) + huge(3))
    assert [bench.dev.read_page(index) for index in (1, 2, 3)] == [huge(1), huge(2), bytes(PAGE_SIZE)]


def test_a_byte_write_that_does_not_fit_changes_nothing() -> None:
    bench = limited(1)
    before = bench.snapshot
    with pytest.raises(ZramError):
        bench.dev.write(100, b"more")
    assert (bench.snapshot, bench.dev.read_page(0), bench.dev.stats.io.failed_writes) == (before, huge(0), 1)


def test_what_is_above_a_new_limit_stays_and_may_shrink() -> None:
    bench = limited(4)
    bench.dev.set_mem_limit("1K")
    assert (bench.dev.read_page(0), bench.dev.mem_limit) == (huge(0), PAGE_SIZE)
    bench.dev.discard(0, PAGE_SIZE)
    bench.store(0)


def test_no_limit_is_zero() -> None:
    bench = limited(1)
    bench.dev.set_mem_limit(0)
    bench.dev.write_page(1, huge(1))
    assert bench.dev.stats.mm.mem_limit == 0


def test_statistics_taken_beside_a_reset_keep_their_own_limit() -> None:
    """Pages and limit were of two moments: the old pages, and the limit that a reset had cleared.

    The limit was read from the device before the table lock was taken for the rest.
    """
    bench = limited(4)
    pages = bench.pages
    bench.dev.reset()
    assert stats_of(pages).mm.mem_limit == 4 * PAGE_SIZE
    assert bench.dev.stats.mm.mem_limit == 0


def test_a_limit_stored_before_disksize_ends_with_a_reset() -> None:
    dev = Zram()
    dev.attrs.store("mem_limit", "5000\n")
    assert dev.stats.mm.mem_limit == 2 * PAGE_SIZE
    dev.initialise("1M")
    dev.write_page(0, huge(0))
    dev.write_page(1, huge(1))
    with pytest.raises(ZramError):
        dev.write_page(2, huge(2))
    dev.reset()
    assert dev.stats.mm.mem_limit == 0
    dev.initialise("1M")
    dev.write_pages(0, huge(0) + huge(1) + huge(2))
    dev.close()


@pytest.mark.parametrize("size", [-1, 1 << 64, "12Q", 1.5, None])
def test_a_limit_that_is_no_size_is_refused(size: int) -> None:
    bench = limited(3)
    with refused(errno.EINVAL):
        bench.dev.set_mem_limit(size)
    assert bench.dev.mem_limit == 3 * PAGE_SIZE


def test_the_largest_size_used_is_kept_until_it_is_forgotten() -> None:
    bench = Bench().store_huge(*range(3))
    bench.dev.discard(0, 2 * PAGE_SIZE)
    mm = bench.dev.stats.mm
    assert (mm.mem_used_total, mm.mem_used_max) == (PAGE_SIZE, 3 * PAGE_SIZE)
    bench.dev.attrs.store("mem_used_max", "0")
    assert bench.dev.stats.mm.mem_used_max == PAGE_SIZE
    Zram().reset_mem_used_max()
