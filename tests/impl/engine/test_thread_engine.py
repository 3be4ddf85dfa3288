"""The thread engine: work for all threads, answers in any order, and no thread left behind."""

import errno
import threading
from collections.abc import Sequence

import pytest

from tests.impl.doubles import Clock
from tests.impl.fake_device import FakeDevice, closing, reap, requests, verdicts
from tests.refused import raising
from zram_impl.engine import background
from zram_impl.engine.request import Phase
from zram_impl.engine.threads import ThreadEngine
from zram_impl.faults import ScarceThreads, nth, since
from zram_impl.runtime import ThreadRuntime
from zram_impl.units import PAGE_SIZE

pytestmark = pytest.mark.usefixtures("no_thread_is_left")


def writers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("zram-writer")]


def test_a_pool_of_requests_is_spread_over_all_threads() -> None:
    device = FakeDevice()
    with closing(ThreadEngine(device, ThreadRuntime(), depth=32, threads=2)) as engine:
        verdicts(engine, range(32))
    assert sorted(device.calls) == [list(range(16)), list(range(16, 32))]


def test_a_refill_of_a_part_of_the_pool_is_not_cut_smaller() -> None:
    device = FakeDevice()
    with closing(ThreadEngine(device, ThreadRuntime(), depth=32, threads=2)) as engine:
        pool = requests(engine, range(32))
        engine.submit(pool[:16])
        assert len(reap(engine, 16)) == 16
    assert device.calls == [list(range(16))]


def test_a_run_is_answered_in_one_hold_of_the_lock() -> None:
    clock = Clock()
    engine = ThreadEngine(FakeDevice(), clock, depth=8, threads=1)
    with closing(engine):
        run = requests(engine, range(4))
        for request in run:
            request.phase = Phase.FLIGHT
        with clock.counting() as taken:
            engine._carry(run)
        assert taken == {"engine.answers": 1}
        assert len(engine.answered()) == 4


def test_no_write_has_more_pages_than_allowed() -> None:
    device = FakeDevice()
    with closing(ThreadEngine(device, ThreadRuntime(), depth=32, threads=1, run_pages=12)) as engine:
        verdicts(engine, range(32))
    assert sorted(map(len, device.calls)) == [10, 11, 11]


def test_failed_and_short_runs_are_retried_page_by_page() -> None:
    def first_calls(blk_idx: int, pages: Sequence[memoryview]) -> int:
        if len(pages) == 1:
            return PAGE_SIZE
        if blk_idx == 0:
            raise OSError(errno.EIO, "all of it")
        return 2 * PAGE_SIZE + 100

    device = FakeDevice(first_calls)
    with closing(ThreadEngine(device, ThreadRuntime(), depth=8, threads=1)) as engine:
        assert verdicts(engine, [0, 1, 10, 11, 12, 13]) == dict.fromkeys([0, 1, 10, 11, 12, 13], 0)
    assert device.calls == [[0, 1], [0], [1], [10, 11, 12, 13], [12], [13]]


def test_a_single_page_that_fails_is_not_tried_again() -> None:
    device = FakeDevice(raising(OSError, errno.EIO, "bad"))
    with closing(ThreadEngine(device, ThreadRuntime(), depth=8)) as engine:
        assert verdicts(engine, [3]) == {3: errno.EIO}
    assert device.calls == [[3]]


def test_answers_arrive_at_once_and_in_the_device_s_order() -> None:
    later = threading.Event()

    def holds_block_0(blk_idx: int, pages: Sequence[memoryview]) -> int:
        if blk_idx == 0:
            assert later.wait(10)
        return len(pages) * PAGE_SIZE

    with closing(ThreadEngine(FakeDevice(holds_block_0), ThreadRuntime(), depth=8, threads=2)) as engine:
        first, second, third = requests(engine, [0, 10, 20])
        engine.submit([first, second])
        assert reap(engine, 1) == [second]
        engine.submit([third])
        assert reap(engine, 1) == [third]
        later.set()
        assert reap(engine, 1) == [first]


def test_a_wait_for_a_hung_device_ends_without_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "PATIENCE", 0.01)
    later = threading.Event()

    def hangs(_blk_idx: int, pages: Sequence[memoryview]) -> int:
        assert later.wait(10)
        return len(pages) * PAGE_SIZE

    with closing(ThreadEngine(FakeDevice(hangs), ThreadRuntime(), depth=8)) as engine:
        sent = requests(engine, [1])
        engine.submit(sent)
        assert engine.answered(wait=True) == []
        later.set()
        assert reap(engine, 1) == sent


def test_threads_start_with_the_first_request() -> None:
    with closing(ThreadEngine(FakeDevice(), ThreadRuntime(), depth=8, threads=3)) as engine:
        engine.submit([])
        assert writers() == []
        verdicts(engine, [1])
        assert len(writers()) == 3
        verdicts(engine, [2])
        assert len(writers()) == 3


def test_close_finishes_what_is_in_flight_and_leaves_no_thread() -> None:
    arrived = threading.Event()
    later = threading.Event()

    def slow(_blk_idx: int, pages: Sequence[memoryview]) -> int:
        arrived.set()
        assert later.wait(10)
        return len(pages) * PAGE_SIZE

    engine = ThreadEngine(FakeDevice(slow), ThreadRuntime(), depth=16)
    sent = requests(engine, range(0, 32, 2))
    engine.submit(sent)
    assert arrived.wait(10)
    timer = threading.Timer(0.02, later.set)
    timer.start()
    engine.close()
    timer.join()
    assert writers() == []
    assert {request.error for request in engine.answered()} == {0}
    assert {request.phase for request in sent} == {Phase.ANSWERED}


@pytest.mark.parametrize("failure", [OSError(errno.EAGAIN, "no thread"), RuntimeError("can't start new thread")])
def test_without_threads_requests_are_written_by_submit(failure: Exception) -> None:
    device = FakeDevice()
    runtime = ScarceThreads(ThreadRuntime(), nth(0), failure=failure)
    engine = ThreadEngine(device, runtime, depth=8)
    assert verdicts(engine, range(4)) == dict.fromkeys(range(4), 0)
    assert device.threads == {threading.get_ident()}
    device.threads.clear()
    with closing(engine):
        assert verdicts(engine, range(10, 14)) == dict.fromkeys(range(10, 14), 0)
        assert threading.get_ident() not in device.threads


def test_one_thread_of_several_is_enough() -> None:
    device = FakeDevice()
    runtime = ScarceThreads(ThreadRuntime(), since(1))
    with closing(ThreadEngine(device, runtime, depth=8, threads=4)) as engine:
        assert verdicts(engine, range(0, 16, 2)) == dict.fromkeys(range(0, 16, 2), 0)
        assert len(writers()) == 1
    assert threading.get_ident() not in device.threads


def test_many_small_submissions_are_all_answered_by_threads() -> None:
    with closing(ThreadEngine(FakeDevice(), ThreadRuntime(), depth=8, threads=4)) as engine:
        pool = requests(engine, range(8))
        for _ in range(500):
            for request in pool:
                request.phase = Phase.FLIGHT
                engine.submit([request])
            assert sorted(request.number for request in reap(engine, 8)) == list(range(8))
