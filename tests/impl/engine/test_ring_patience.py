"""The ring engine's thread waits for several answers at a time, where many writes are in flight."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.impl.engine.ring_doubles import DeviceQueue, every_ring, opened
from tests.impl.fake_device import FakeDevice, closing, requests, verdicts
from zram_impl import PAGE_SIZE
from zram_impl.bdev.file import open_file
from zram_impl.engine.ring import RingEngine
from zram_impl.engine.ring_aio import NativeAio
from zram_impl.engine.ring_queue import WAKE, Answer, RingQueue, SystemCalls
from zram_impl.runtime import ThreadRuntime


@pytest.mark.parametrize(
    ("writes", "asked"),
    [(7, [1] * 7), (8, [1, 4, 4, 4, 4, 3, 2, 1]), (16, [1, *[8] * 8, 7, 6, 5, 4, 3, 2, 1])],
    ids=["few", "just many", "many"],
)
def test_the_thread_waits_for_half_of_the_writes_in_flight(writes: int, asked: list[int]) -> None:
    """Never for more than there are, and for a single one where there are few."""
    device = FakeDevice()
    queue = DeviceQueue(device)  # it answers one at a time
    with closing(RingEngine(device, ThreadRuntime(), queue, depth=16)) as engine:
        assert set(verdicts(engine, range(0, 2 * writes, 2)).values()) == {0}
    assert queue.asked[:writes] == asked


def test_what_was_in_flight_is_forgotten_once_all_is_answered() -> None:
    device = FakeDevice()
    queue = DeviceQueue(device)
    with closing(RingEngine(device, ThreadRuntime(), queue, depth=32)) as engine:
        verdicts(engine, range(0, 32, 2))
        queue.asked.clear()
        verdicts(engine, range(0, 8, 2))
    assert set(queue.asked) == {1}


@every_ring
def test_a_ring_waits_for_no_more_answers_than_there_are(ring: Callable[[int, int], RingQueue], tmp_path: Path) -> None:
    file = open_file(tmp_path / "pages.img", size=16 * PAGE_SIZE)
    queue = opened(ring, file.fileno(), 16)
    with closing(RingEngine(file, ThreadRuntime(), queue, depth=16)) as engine:
        assert queue.submit([(place, [request]) for place, request in enumerate(requests(engine, [1, 7]))]) == 2
        answered = list[Answer]()
        while len(answered) < 2:
            answered += queue.wait(least=9)
    file.close()
    assert sorted(answered) == [(0, PAGE_SIZE), (1, PAGE_SIZE)]


def test_native_aio_waits_until_there_is_an_answer(tmp_path: Path) -> None:
    file = open_file(tmp_path / "pages.img", size=16 * PAGE_SIZE)
    queue = opened(NativeAio, file.fileno(), 16)
    later = threading.Timer(0.02, queue.wake)
    later.start()
    answers = queue.wait(least=2)
    later.join()
    queue.close()
    file.close()
    assert [key for key, _ in answers] == [WAKE]


def test_a_single_answer_is_waited_for_without_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = open_file(tmp_path / "pages.img", size=16 * PAGE_SIZE)
    queue = opened(NativeAio, file.fileno(), 16)
    limits, call = list[int](), SystemCalls.__call__

    def noted(calls: SystemCalls, *arguments: int) -> int:
        limits.append(arguments[5] if len(arguments) > 5 else 0)
        return call(calls, *arguments)

    for least in (1, 2):
        assert queue.wake()
        with monkeypatch.context() as patch:
            patch.setattr(SystemCalls, "__call__", noted)
            queue.wait(least)
    queue.close()
    file.close()
    assert [bool(limit) for limit in limits] == [False, True]
