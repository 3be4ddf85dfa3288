"""A pass, one step at a time: who owns slot, block, request and budget at every stage, and how the pass ends."""

import errno
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.impl.doubles import Bench, huge, page, same
from tests.impl.passes.driving import assert_at_rest, begin, finish, stepped, until_waiting
from zram_impl import PAGE_SIZE, WritebackResult
from zram_impl.decisions import SlotKind
from zram_impl.device.snapshot import RequestView, SlotView
from zram_impl.engine.request import Phase
from zram_impl.passes.base import PassProgress

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

Change = Callable[[Bench], object]


# One pass, from begin to end


def test_an_undisturbed_page_goes_to_its_block_and_out_of_memory() -> None:
    bench = Bench().store(3)
    assert finish(bench.dev.begin_writeback(pages=[3])) == WritebackResult(selected=1, written=1)
    assert (bench.backing.block(0), bench.snapshot.compr_data_size) == (page(3), 0)
    assert bench.dev.read_page(3) == page(3)
    assert_at_rest(bench)


def test_advance_by_one_does_exactly_one_action() -> None:
    seen: list[str] = []
    bench = Bench(observer=lambda kind, *_args: seen.append(kind)).store(1, 2)
    running = bench.dev.begin_writeback(pages=[1, 2])
    seen.clear()
    steps = []
    while running.advance(1) is PassProgress.PROGRESS:
        steps.append(tuple(seen))
        seen.clear()
    submit = [("take_request",), ("reserve_block",), ("submit",)]
    assert steps == [("scan",), ("scan",), ("end_scan",), *submit, *submit]
    bench.engine.answer_all()
    for expected in [["reap"], ["reap"], ["end_pass"]]:
        seen.clear()
        running.advance(1)
        assert seen == expected


def test_at_each_stage_slot_block_and_request_have_one_owner() -> None:
    bench = Bench(pages=1, blocks=1).store(0)
    size = bench.snapshot.slots[0].size
    running = bench.dev.begin_writeback(pages=[0])
    idle, held = RequestView(Phase.IDLE, None, None, 0, None), RequestView(Phase.HELD, None, None, 0, None)
    flight = RequestView(Phase.FLIGHT, 0, 0, 0, page(0))
    answered = flight._replace(phase=Phase.ANSWERED)
    stored, claimed = (
        SlotView(kind, size, False, False, kind is SlotKind.PP_SLOT, None)
        for kind in (SlotKind.STORED, SlotKind.PP_SLOT)
    )
    seen = []

    def note() -> None:
        now = bench.snapshot
        seen.append((now.slots[0], now.queued, now.requests, now.held_block, now.blocks))

    note()
    for _ in range(5):
        running.advance(1)
        note()
    bench.engine.answer(0)
    note()
    running.advance(1)
    note()
    assert seen == [
        (stored, (), (idle,), None, b"\0"),
        (claimed, (0,), (idle,), None, b"\0"),  # scan
        (claimed, (0,), (idle,), None, b"\0"),  # end_scan
        (claimed, (0,), (held,), None, b"\0"),  # take_request
        (claimed, (0,), (held,), 0, b"\1"),  # reserve_block
        (claimed, (), (flight,), None, b"\1"),  # submit
        (claimed, (), (answered,), None, b"\1"),
        (SlotView(SlotKind.WB, size, False, False, False, 0), (), (idle,), None, b"\1"),  # reap
    ]


def test_a_pass_that_is_over_stays_over() -> None:
    bench = Bench()
    running = bench.dev.begin_writeback(pages=[0])
    finish(running)
    running.wait()
    running.cancel()
    assert [running.advance(), running.advance(1)] == [PassProgress.DONE] * 2
    assert running.result == WritebackResult()


def test_larger_objects_go_first_in_a_bucket_the_last_page() -> None:
    bench = Bench(batch_size=8).store(1, 2, 5).store_huge(0, 3)
    begin(bench, *range(8))
    assert bench.engine.slots == [3, 0, 5, 2, 1]


def test_what_is_written_is_summed_by_another_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.13 without the GIL lost count of the users of a view: "negative export count" when the device closed.

    The pass computed checksums by the views that the threads of the engine were writing at the time.
    """
    summed, crc32 = list[object](), zlib.crc32

    def noting(data: "ReadableBuffer") -> int:
        summed.append(data)
        return crc32(data)

    monkeypatch.setattr(zlib, "crc32", noting)
    bench = Bench()
    bench.dev.write_page(0, page(1))
    running = begin(bench, 0)
    views = [req.page for req in bench.engine.held]
    assert len(views) == len(summed) == 1
    assert summed[0] is not views[0]
    assert not isinstance(summed[0], memoryview)
    assert finish(running).written == 1


def test_answers_may_come_in_any_order() -> None:
    bench = Bench().store(0, 1, 2)
    running = begin(bench, 0, 1, 2)
    for slot in (0, 2, 1):
        bench.engine.answer(slot)
    assert finish(running) == WritebackResult(selected=3, written=3)
    assert [bench.dev.read_page(slot) for slot in range(3)] == [page(slot) for slot in range(3)]


# Every row of the completion


@pytest.mark.parametrize(
    ("error", "lost", "result", "kind", "limit", "bd_writes"),
    [
        (0, False, WritebackResult(selected=1, written=1), SlotKind.WB, 4, 1),
        (0, True, WritebackResult(selected=1, lost=1), SlotKind.STORED, 4, 1),
        (errno.ENOSPC, False, WritebackResult(selected=1, failed=1, errors=[(2, errno.ENOSPC)]), SlotKind.STORED, 5, 0),
        (errno.EIO, True, WritebackResult(selected=1, failed=1, errors=[(2, errno.EIO)]), SlotKind.STORED, 5, 0),
    ],
    ids=["written", "lost", "failed", "failed and lost"],
)
def test_completion(
    error: int, lost: bool, result: WritebackResult, kind: SlotKind, limit: int, bd_writes: int
) -> None:
    bench = Bench().store(2).limit(5)
    running = begin(bench, 2)
    if lost:
        bench.dev.read_page(2)
    bench.engine.answer(2, error)
    assert finish(running) == result
    now = bench.snapshot
    assert (now.slots[2].kind, now.bd_count, now.limit) == (kind, int(kind is SlotKind.WB), limit)
    assert (bench.dev.stats.bd.bd_writes, bench.dev.read_page(2)) == (bd_writes, page(2))
    assert_at_rest(bench)


def test_a_failed_write_keeps_slot_marks_and_counters() -> None:
    bench = Bench().store(1).store_huge(2)
    bench.dev.mark_idle()
    before = bench.snapshot
    running = begin(bench, 1, 2)
    bench.engine.answer_all(errno.EIO)
    assert finish(running).failed == 2
    assert bench.snapshot == before


# The claim is lost

CHANGES: dict[str, tuple[Change, bytes]] = {
    "write": (lambda bench: bench.dev.write_page(2, huge(9)), huge(9)),
    "write of the same bytes": (lambda bench: bench.dev.write_page(2, page(2)), page(2)),
    "same-filled write": (lambda bench: bench.dev.write_page(2, same(7)), same(7)),
    "write of some bytes": (lambda bench: bench.dev.write(2 * PAGE_SIZE, b"!"), b"!" + page(2)[1:]),
    "discard": (lambda bench: bench.dev.discard(2 * PAGE_SIZE, PAGE_SIZE), bytes(PAGE_SIZE)),
    "write of zeroes": (lambda bench: bench.dev.write_zeroes(2 * PAGE_SIZE, PAGE_SIZE), bytes(PAGE_SIZE)),
    "read": (lambda bench: bench.dev.read_page(2), page(2)),
    "read of some bytes": (lambda bench: bench.dev.read(2 * PAGE_SIZE + 9, 1), page(2)),
}
every_change = pytest.mark.parametrize(("change", "content"), list(CHANGES.values()), ids=list(CHANGES))


@every_change
@pytest.mark.parametrize("steps", [1, 2, 3, 4], ids=["scanned", "scan ended", "request held", "block held"])
def test_a_page_that_changes_before_it_is_submitted_is_skipped(change: Change, content: bytes, steps: int) -> None:
    bench = Bench().store(2).limit(5)
    running = stepped(bench, steps, 2)
    change(bench)
    assert finish(running) == WritebackResult(selected=1, skipped=1)
    assert (bench.dev.read_page(2), bench.snapshot.limit, bench.dev.stats.bd.bd_writes) == (content, 5, 0)
    assert_at_rest(bench)


@every_change
def test_a_page_changed_in_flight_is_lost_and_keeps_the_change(change: Change, content: bytes) -> None:
    bench = Bench().store(2)
    running = begin(bench, 2)
    change(bench)
    assert finish(running) == WritebackResult(selected=1, lost=1)
    assert (bench.dev.read_page(2), bench.dev.stats.bd.bd_writes) == (content, 1)
    assert_at_rest(bench)


def test_a_page_that_changed_and_changed_back_in_flight_is_lost() -> None:
    bench = Bench().store(2)
    running = begin(bench, 2)
    bench.dev.write_page(2, huge(2))
    bench.dev.write_page(2, page(2))
    assert finish(running) == WritebackResult(selected=1, lost=1)


def test_the_block_of_a_lost_page_is_used_until_answered() -> None:
    bench = Bench(blocks=1).store(1, 2)
    running = begin(bench, 1, 2)
    bench.dev.discard(2 * PAGE_SIZE, PAGE_SIZE)
    running.advance()
    assert bench.engine.slots == [2]
    assert finish(running) == WritebackResult(selected=2, written=1, lost=1)
    assert_at_rest(bench)


def test_looking_at_a_page_does_not_cost_it_its_claim() -> None:
    bench = Bench().store(2)
    running = begin(bench, 2)
    assert bench.pages.peek_page(2) == page(2)
    bench.dev.block_state()
    assert finish(running) == WritebackResult(selected=1, written=1)


def test_a_block_held_for_a_skipped_page_goes_to_the_next() -> None:
    bench = Bench().store(1, 2)
    running = stepped(bench, 5, 1, 2)
    assert bench.snapshot.held_block == 0
    bench.dev.read_page(2)
    until_waiting(running)
    assert list(zip(bench.engine.slots, bench.engine.blocks, strict=True)) == [(1, 0)]


def test_drop_held_releases_request_and_block_at_once() -> None:
    seen: list[str] = []
    bench = Bench(observer=lambda kind, *_args: seen.append(kind)).store(2)
    running = stepped(bench, 4, 2)
    bench.dev.read_page(2)
    seen.clear()
    while running.advance(1) is PassProgress.PROGRESS:
        pass
    assert seen == ["skip", "drop_held", "end_pass"]
    assert bench.snapshot.blocks == bytes(8)


def test_a_request_held_without_a_block_is_released_too() -> None:
    bench = Bench().store(2)
    running = stepped(bench, 3, 2)
    bench.dev.read_page(2)
    assert finish(running).skipped == 1
    assert_at_rest(bench)
