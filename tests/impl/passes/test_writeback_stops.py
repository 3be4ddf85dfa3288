"""Ends of a pass: no budget, no block, no memory, damaged objects, cancelled; and that nothing is left behind."""

import errno
from collections.abc import Callable

import pytest

from tests.impl.doubles import Bench, page
from tests.impl.passes.driving import assert_adds_up, assert_at_rest, begin, finish, kinds, stepped, until_waiting
from tests.refused import raising, refused
from zram_impl import Quirks, WritebackResult
from zram_impl.passes.base import PassProgress

# No budget, no block


@pytest.mark.parametrize("most", [0, 1, 2])
@pytest.mark.parametrize("limited", [True, False], ids=["limit", "blocks"])
def test_no_more_is_written_than_limit_and_blocks_allow(most: int, limited: bool) -> None:
    bench = Bench(blocks=8 if limited else most, batch_size=8).store(0, 1, 2).limit(most if limited else 9)
    expected = WritebackResult(selected=3, written=most, left=3 - most, stopped_by="limit" if limited else "no_space")
    assert finish(bench.dev.begin_writeback(pages=range(3))) == expected
    assert bench.snapshot.limit == (0 if limited else 9 - most)
    assert_at_rest(bench)


@pytest.mark.parametrize("limit", [0, 1])
def test_a_disabled_limit_stops_nothing_and_is_not_spent(limit: int) -> None:
    bench = Bench().store(0, 1, 2)
    bench.dev.set_writeback_limit(limit)
    assert finish(bench.dev.begin_writeback(pages=range(3))) == WritebackResult(selected=3, written=3)
    assert bench.snapshot.limit == limit


def test_nothing_to_write_is_no_stop() -> None:
    assert finish(Bench(blocks=0).limit(0).dev.begin_writeback(pages=[0])) == WritebackResult()


def test_no_budget_is_reported_before_no_block() -> None:
    bench = Bench(blocks=0).store(0).limit(0)
    assert finish(bench.dev.begin_writeback(pages=[0])).stopped_by == "limit"


def short_of_budget(quirks: Quirks) -> Bench:
    return Bench(batch_size=8, quirks=quirks).limit(1)


def short_of_blocks(quirks: Quirks) -> Bench:
    return Bench(blocks=1, batch_size=8, quirks=quirks)


Make = Callable[[Quirks], Bench]
short = pytest.mark.parametrize(
    ("make", "reason"), [(short_of_budget, "limit"), (short_of_blocks, "no_space")], ids=["budget", "blocks"]
)


@short
def test_a_pass_waits_for_what_a_write_in_flight_may_give_back(make: Make, reason: str) -> None:
    bench = make(Quirks()).store(0, 1)
    running = begin(bench, 0, 1)
    assert (running.advance(), bench.engine.slots, running.result.stopped_by) == (PassProgress.WAIT, [1], None)
    bench.engine.answer(1, errno.EIO)
    until_waiting(running)
    assert (bench.engine.slots, running.result.stopped_by) == ([0], None)
    assert finish(running) == WritebackResult(selected=2, written=1, failed=1, errors=[(1, errno.EIO)])
    assert reason != running.result.stopped_by
    assert_at_rest(bench)


@short
def test_a_pass_that_waited_for_nothing_stops(make: Make, reason: str) -> None:
    bench = make(Quirks()).store(0, 1)
    running = begin(bench, 0, 1)
    bench.engine.answer(1)
    result = finish(running)
    assert (result.written, result.left, result.stopped_by) == (1, 1, reason)
    assert_at_rest(bench)


@short
def test_with_the_quirk_a_pass_stops_before_a_late_refund(make: Make, reason: str) -> None:
    bench = make(Quirks(decide_before_reaping=True)).store(0, 1)
    running = begin(bench, 0, 1)
    assert (bench.engine.slots, running.result.left, running.result.stopped_by) == ([1], 1, reason)
    bench.engine.answer(1, errno.EIO)
    assert finish(running).errors == [(1, errno.EIO)]
    assert_adds_up(running.result)
    assert_at_rest(bench)


def test_without_the_quirk_the_batch_size_does_not_matter() -> None:
    outcomes = []
    for batch_size in (1, 2, 4):
        bench = Bench(blocks=3, batch_size=batch_size).store(*range(6)).limit(4)
        running = bench.dev.begin_writeback(pages=range(6))
        failures = 2
        while (progress := running.advance()) is not PassProgress.DONE:
            if progress is PassProgress.WAIT:
                bench.engine.answer(bench.engine.slots[0], errno.EIO if failures else 0)
                failures = max(0, failures - 1)
        outcomes.append((running.result.written, running.result.failed, running.result.left, bench.snapshot.limit))
    assert outcomes == [(3, 2, 1, 1)] * 3


def test_a_limit_stored_during_a_pass_applies_at_once() -> None:
    bench = Bench(batch_size=2).store(*range(4)).limit(9)
    running = begin(bench, *range(4))
    bench.dev.set_writeback_limit(0)
    bench.engine.answer_all(errno.EIO)
    result = finish(running)
    assert (result.failed, result.left, result.stopped_by, bench.snapshot.limit) == (2, 2, "limit", 0)


def test_after_a_stop_the_pages_left_are_where_they_were() -> None:
    bench = Bench(blocks=1).store(0, 1, 2)
    bench.dev.mark_idle()
    finish(bench.dev.begin_writeback("idle"))
    assert kinds(bench)[:3] == "SSW"
    assert [slot.idle for slot in bench.snapshot.slots[:3]] == [True, True, False]


# Memory


def test_the_pool_grows_only_as_far_as_there_is_work() -> None:
    bench = Bench(batch_size=8).store(0, 1)
    assert (len(begin(bench, 0, 1).requests), bench.engine.out) == (2, 2)


@pytest.mark.parametrize(
    ("batch_size", "memory", "in_flight"), [(1, 8, 1), (3, 8, 3), (8, 2, 2), (8, 1, 1), (99, 8, 5)]
)
def test_no_more_is_in_flight_than_batch_size_and_memory_allow(batch_size: int, memory: int, in_flight: int) -> None:
    bench = Bench(batch_size=batch_size).store(*range(5))
    bench.engine.memory = memory
    running = begin(bench, *range(5))
    assert (running.advance(), len(bench.engine.held)) == (PassProgress.WAIT, in_flight)
    assert finish(running) == WritebackResult(selected=5, written=5)
    assert_at_rest(bench)


def test_memory_that_comes_back_in_the_middle_is_used() -> None:
    bench = Bench(batch_size=8).store(*range(5))
    bench.engine.memory = 1
    running = begin(bench, *range(5))
    bench.engine.memory = 8
    until_waiting(running)
    assert len(bench.engine.held) == 5


def test_no_memory_for_a_request_is_enomem_and_no_pass() -> None:
    bench = Bench().store(0)
    before = bench.snapshot
    bench.engine.memory = 0
    with refused(errno.ENOMEM, "no memory for a single write request"):
        bench.dev.writeback(pages=[0])
    assert bench.snapshot == before


def test_an_answered_request_is_used_again() -> None:
    bench = Bench(batch_size=1).store(0, 1, 2)
    running = bench.dev.begin_writeback(pages=[0, 1, 2])
    assert finish(running) == WritebackResult(selected=3, written=3)
    assert len(running.requests) == 1


# Damage


def test_a_damaged_object_in_memory_is_a_failed_write() -> None:
    bench = Bench().store(0, 1, 2).limit(9)
    pages = bench.pages
    pages.table.replace(1, b"\xff" * 30)
    result = finish(bench.dev.begin_writeback(pages=[0, 1, 2]))
    assert result == WritebackResult(selected=3, written=2, failed=1, errors=[(1, errno.EIO)])
    assert (pages.table.entries[1], bench.snapshot.limit, bench.snapshot.bd_count) == (b"\xff" * 30, 7, 2)
    assert_at_rest(bench)


def test_no_memory_to_decompress_is_a_failed_write() -> None:
    bench = Bench().store(0)
    pages = bench.pages

    pages.shared.decode, pages.shared.unpack_into = raising(MemoryError), None
    result = finish(bench.dev.begin_writeback(pages=[0]))
    assert (result, kinds(bench)[0]) == (WritebackResult(selected=1, failed=1, errors=[(0, errno.EIO)]), "S")
    assert_at_rest(bench)


def test_errors_are_listed_by_page() -> None:
    bench = Bench().store(0, 1, 2)
    running = begin(bench, 0, 1, 2)
    for slot, error in ((1, errno.EIO), (0, errno.ENOSPC), (2, errno.EREMOTEIO)):
        bench.engine.answer(slot, error)
    assert finish(running).errors == [(0, errno.ENOSPC), (1, errno.EIO), (2, errno.EREMOTEIO)]


# The same page twice


def test_a_page_named_twice_is_written_once() -> None:
    bench = Bench().store(3)
    assert finish(bench.dev.begin_writeback(pages=[3, 3], ranges=[(2, 3)])) == WritebackResult(selected=1, written=1)


def test_with_the_quirk_a_page_named_twice_is_written_twice() -> None:
    bench = Bench(quirks=Quirks(queue_twice=True)).store(3).limit(9)
    running = begin(bench, 3, 3)
    assert bench.engine.slots == [3, 3]
    assert finish(running) == WritebackResult(selected=2, written=1, lost=1)
    assert (bench.snapshot.limit, bench.dev.stats.bd.bd_writes, bench.dev.read_page(3)) == (7, 2, page(3))
    assert_at_rest(bench)


def test_with_the_quirk_a_failed_twin_takes_the_other_s_claim() -> None:
    bench = Bench(quirks=Quirks(queue_twice=True)).store(3)
    running = begin(bench, 3, 3)
    bench.engine.answer(3, errno.EIO)
    bench.engine.answer(3)
    assert finish(running) == WritebackResult(selected=2, lost=1, failed=1, errors=[(3, errno.EIO)])
    assert_at_rest(bench)


# Cancelling


@pytest.mark.parametrize(
    ("steps", "result"),
    [
        (0, WritebackResult()),
        (1, WritebackResult(selected=1, left=1, stopped_by="cancelled")),
        (2, WritebackResult(selected=2, left=2, stopped_by="cancelled")),
        (3, WritebackResult(selected=2, left=2, stopped_by="cancelled")),
        (4, WritebackResult(selected=2, left=2, stopped_by="cancelled")),
        (5, WritebackResult(selected=2, left=2, stopped_by="cancelled")),
        (6, WritebackResult(selected=2, written=1, left=1, stopped_by="cancelled")),
        (9, WritebackResult(selected=2, written=2)),
    ],
    ids=["begun", "one scanned", "all scanned", "scan ended", "request", "block", "one submitted", "all submitted"],
)
def test_cancelling_finishes_writes_in_flight_and_no_others(steps: int, result: WritebackResult) -> None:
    bench = Bench().store(0, 1).limit(9)
    running = stepped(bench, steps, 0, 1)
    assert not running.cancelled
    running.cancel()
    assert (finish(running), running.cancelled) == (result, True)
    assert bench.snapshot.limit == 9 - result.written
    assert_at_rest(bench)


def test_a_pass_cancelled_after_its_stop_keeps_the_first_reason() -> None:
    running = stepped(Bench().store(0, 1).limit(0), 4, 0, 1)
    running.cancel()
    assert finish(running) == WritebackResult(selected=2, left=2, stopped_by="limit")


def test_a_second_pass_begins_only_after_the_first_is_over() -> None:
    bench = Bench().store(0, 1)
    running = begin(bench, 0)
    with refused(errno.EAGAIN, "another writeback or recompression is running"):
        bench.dev.begin_writeback(pages=[1])
    finish(running)
    assert finish(bench.dev.begin_writeback(pages=[1])).written == 1


def test_settled_grows_to_selected() -> None:
    bench = Bench().store(0, 1, 2)
    running = begin(bench, 0, 1, 2)
    bench.dev.read_page(0)
    seen = [running.settled]
    for slot in (0, 1, 2):
        bench.engine.answer(slot, errno.EIO if slot == 1 else 0)
        running.advance()
        seen.append(running.settled)
    assert (seen, running.result.selected) == ([0, 1, 2, 3], 3)
