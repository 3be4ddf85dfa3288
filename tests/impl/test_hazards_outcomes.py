"""Outcomes of a pass: pages named twice, batch sizes that decide, results that hide something, memory, resets.

The driver was seen to do worse in each of these; each test is one of the runs.
"""

from collections.abc import Sequence
from errno import EIO, ENOSPC

import pytest

from tests.impl.doubles import Bench, huge, page
from tests.impl.passes.driving import assert_adds_up, assert_at_rest, begin, finish, kinds, until_waiting
from zram_impl import PAGE_SIZE, Quirks, WritebackResult, Zram, ZramError
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.faults import Full

BATCH_SIZES = (1, 2, 32)


def discard(bench: Bench, slot: int) -> None:
    """Discard a page."""
    bench.dev.discard(slot * PAGE_SIZE, PAGE_SIZE)


def stored(pages: int, blocks: int, *, batch_size: int = 32, limit: int | None = None) -> Bench:
    """A device whose pages are all in memory."""
    bench = Bench(pages=max(8, pages), blocks=blocks, batch_size=batch_size, depth=64).store(*range(pages))
    if limit is not None:
        bench.limit(limit)
    return bench


def failing(bench: Bench, slots: Sequence[int], codes: Sequence[int]) -> WritebackResult:
    """Run a pass over `slots` whose first writes, as they are answered, fail with `codes`."""
    bench.engine.errors = list(codes)
    result = finish(bench.dev.begin_writeback(pages=slots))
    assert_adds_up(result)
    assert_at_rest(bench)
    return result


# --- pages named twice ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("blocks", "limit"), [(4, 1), (1, None)], ids=["of the limit", "of the device"])
def test_x27a_x27b_a_page_named_twice_needs_one_block(blocks: int, limit: int | None) -> None:
    bench = stored(1, blocks, limit=limit)
    assert bench.dev.attrs.store("writeback", "page_index=0 page_index=0") == 25
    assert (kinds(bench)[0], bench.dev.writeback_limit) == ("W", 0)


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_x27c_x27d_twins_take_no_block_from_others(batch_size: int) -> None:
    bench = stored(2, 4, batch_size=batch_size)
    result = failing(bench, [0, 0, 0, 0, 1], [])
    assert (result.selected, result.written, kinds(bench)[:2], bench.snapshot.bd_count) == (2, 2, "WW", 2)


def test_x27e_x27j_a_page_named_often_is_written_once() -> None:
    bench = stored(1, 64, batch_size=64, limit=64)
    result = failing(bench, [0] * 64, [])
    assert (result.written, bench.dev.writeback_limit, bench.dev.stats.bd.bd_writes) == (1, 63, 1)


def test_x27h_ranges_that_overlap_a_mode_cost_nothing_twice() -> None:
    bench = stored(4, 8, limit=6)
    bench.dev.mark_idle()
    bench.dev.attrs.store("writeback", "page_indexes=0-3 type=idle")
    assert (kinds(bench)[:4], bench.dev.writeback_limit) == ("WWWW", 2)


@pytest.mark.parametrize(("codes", "written"), [([], 1), ([EIO], 0)])
def test_x27i_x27k_a_page_has_no_twin_whose_failure_could_count(codes: list[int], written: int) -> None:
    result = failing(stored(1, 4), [0, 0], codes)
    assert (result.written, result.failed, result.skipped) == (written, 1 - written, 0)


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_x27f_x27g_the_order_of_answers_does_not_matter_to_twins(order: list[int]) -> None:
    bench = stored(2, 4)
    running = begin(bench, 0, 1, 0, 1)
    for slot in order:
        bench.engine.answer(slot)
    assert finish(running).written == 2
    assert (bench.dev.read_page(0), bench.dev.read_page(1), bench.snapshot.bd_count) == (page(0), page(1), 2)


# --- the batch size decides nothing --------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
@pytest.mark.parametrize(
    ("pages", "blocks", "limit", "outcome"),
    [(2, 1, None, (1, 1, 0, 0)), (3, 8, 2, (2, 1, 0, 0)), (1, 8, 1, (0, 1, 0, 1))],
    ids=["x28a: one block", "x28b: a limit of two", "x28d: a limit of one"],
)
def test_x28_a_failure_costs_no_block_and_no_limit(
    pages: int, blocks: int, limit: int | None, outcome: tuple[int, int, int, int], batch_size: int
) -> None:
    bench = stored(pages, blocks, batch_size=batch_size, limit=limit)
    result = failing(bench, range(pages), [EIO])
    assert (result.written, result.failed, result.left, bench.dev.writeback_limit) == outcome
    assert result.driver_errno == EIO


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_one_block_serves_two_pages_if_one_is_discarded(batch_size: int) -> None:
    bench = stored(2, 1, batch_size=batch_size)
    running = begin(bench, 0, 1)
    discard(bench, bench.engine.slots[0])
    result = finish(running)
    assert (result.written, result.lost, result.left, result.driver_errno) == (1, 1, 0, 0)
    assert_at_rest(bench)


@pytest.mark.parametrize("limit", [None, 1])
@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_no_stop_is_reported_when_no_page_is_left(batch_size: int, limit: int | None) -> None:
    """One page is in flight, on the last block and with the last of the limit; the other one is discarded."""
    bench = stored(2, 8 if limit else 1, batch_size=batch_size, limit=limit)
    running = begin(bench, 0, 1)
    (first,) = bench.engine.slots
    discard(bench, 1 - first)
    result = finish(running)
    assert (result.written, result.skipped, result.stopped_by, result.driver_errno) == (1, 1, None, 0)


@pytest.mark.parametrize("batch_size", [1, 4, 32])
def test_as_many_pages_are_written_as_blocks_do_not_fail(batch_size: int) -> None:
    result = failing(stored(24, 20, batch_size=batch_size), range(24), [EIO] * 6)
    assert (result.written, result.failed, result.left) == (18, 6, 0)


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_a_page_lost_in_flight_is_charged(batch_size: int) -> None:
    bench = stored(3, 8, batch_size=batch_size, limit=2)
    running = begin(bench, 0, 1, 2)
    discard(bench, bench.engine.slots[0])
    result = finish(running)
    assert (result.written, result.lost, result.left, bench.dev.writeback_limit) == (1, 1, 1, 0)


# --- results hide nothing ------------------------------------------------------------------------------------------


def test_x29a_a_full_device_differs_from_a_lack_of_blocks() -> None:
    with Zram.create(8 * PAGE_SIZE, backing=Full(MemoryDevice(8), capacity=1), batch_size=1) as dev:
        for slot in range(3):
            dev.write_page(slot, huge(slot))
        result = dev.writeback("huge")
        assert (result.written, result.failed, result.stopped_by) == (1, 2, None)
        assert [code for _page, code in result.errors] == [ENOSPC, ENOSPC]
    assert failing(stored(3, 1), [0, 1, 2], []).stopped_by == "no_space"


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_an_error_is_reported_although_blocks_run_out_later(batch_size: int) -> None:
    result = failing(stored(3, 1, batch_size=batch_size), [0, 1, 2], [EIO])
    assert (result.errors, result.stopped_by, result.driver_errno) == ([(2, EIO)], "no_space", EIO)


def test_x29c_pages_that_were_written_for_nothing_are_counted() -> None:
    bench = stored(4, 8, limit=4)
    running = begin(bench, 0, 1, 2, 3)
    for slot in range(4):
        bench.dev.read_page(slot)
    result = finish(running)
    assert (result.written, result.lost, bench.dev.writeback_limit) == (0, 4, 0)
    assert (kinds(bench)[:4], bench.snapshot.bd_count) == ("SSSS", 0)


def test_a_page_read_in_flight_is_charged_and_reported() -> None:
    bench = stored(1, 4, limit=3)
    lost = []
    for _ in range(3):
        running = begin(bench, 0)
        bench.dev.read_page(0)
        lost.append(finish(running).lost)
    assert (lost, bench.dev.writeback_limit, bench.dev.stats.bd.bd_writes) == ([1, 1, 1], 0, 3)
    result = finish(begin(bench, 0))
    assert (result.left, result.stopped_by) == (1, "limit")


def test_x29c_a_device_may_be_set_to_write_them_all_the_same() -> None:
    bench = Bench(quirks=Quirks(read_cancels_claim=False)).store(0, 1)
    running = begin(bench, 0, 1)
    bench.dev.read_page(0)
    assert (finish(running).written, kinds(bench)[:2]) == (2, "WW")


def test_x29d_what_is_misspelt_is_refused() -> None:
    bench = stored(1, 4)
    for text in ("page_idx=0", "limit=3", "page_index=0 limit=3"):
        with pytest.raises(ZramError, match="must be one of type, page_index, page_indexes"):
            bench.dev.attrs.store("writeback", text)
    assert kinds(bench)[0] == "S"


def test_a_failed_write_of_an_overwritten_page_is_harmless() -> None:
    bench = stored(1, 4)
    running = begin(bench, 0)
    bench.dev.write_page(0, page(7))
    bench.engine.answer(0, EIO)
    result = finish(running)
    assert (result.failed, result.errors, bench.dev.read_page(0)) == (1, [(0, EIO)], page(7))
    assert_at_rest(bench)


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
@pytest.mark.parametrize("apart", [False, True])
def test_x35_of_two_errors_the_same_one_counts_in_any_order(order: list[int], apart: bool) -> None:
    bench = stored(2, 4)
    codes = {0: EIO, 1: ENOSPC}
    running = begin(bench, 0, 1)
    for slot in order:
        bench.engine.answer(slot, codes[slot])
        if apart:
            until_waiting(running)
    assert (finish(running).errors, running.result.driver_errno) == ([(0, EIO), (1, ENOSPC)], EIO)


# --- memory, and what a reset leaves -------------------------------------------------------------------------------


def test_a_huge_batch_size_takes_no_more_than_the_pages() -> None:
    bench = stored(2, 4, batch_size=4294967295)
    running = begin(bench, 0, 1)
    assert (len(running.requests), bench.engine.out) == (2, 2)
    assert finish(running).written == 2
    assert bench.engine.out == 0


def test_x30_requests_in_flight_are_bounded_by_the_engine() -> None:
    bench = Bench(pages=16, blocks=16, batch_size=4294967295, depth=3).store(*range(16))
    running = begin(bench, *range(16))
    assert (len(bench.engine.held), bench.engine.out) == (3, 3)
    assert finish(running).written == 16


def test_a_reset_clears_the_limit_and_keeps_the_batch_size() -> None:
    with Zram.create("32K", backing=MemoryDevice(4), batch_size=7) as dev:
        dev.set_writeback_limit(0)
        dev.enable_writeback_limit(True)
        dev.reset()
        assert (dev.writeback_limit, dev.writeback_limit_enabled, dev.batch_size) == (0, False, 7)
        dev.set_backing(MemoryDevice(4))
        dev.initialise("32K")
        dev.write_page(1, page(1))
        assert dev.writeback(pages=[1]).written == 1
