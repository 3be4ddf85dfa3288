"""Raising at the n-th point: every one is reached, and what is raised comes out where it was raised."""

import threading
import time

import pytest

from stateful.interrupts import points
from stateful.interrupts.points import HungError, interrupted

pytestmark = pytest.mark.usefixtures("unmeasured")


def three_calls() -> list[int]:
    made: list[int] = []
    for number in range(3):
        made.append(number)  # noqa: PERF402  (each of these is a point)
    return made


def test_every_point_is_reached_once() -> None:
    lands = []
    for number in range(100):
        outcome = interrupted(three_calls, (number,), KeyboardInterrupt)
        if not outcome.reached:
            break
        assert isinstance(outcome.raised, KeyboardInterrupt)
        lands.append(outcome.landed)
    assert 5 <= len(lands) <= 40
    assert any("three_calls" in land[0] for land in lands)


def test_without_a_point_the_call_is_left_alone() -> None:
    outcome = interrupted(three_calls, (1000,), KeyboardInterrupt)
    assert (outcome.reached, outcome.landed, outcome.raised) == (0, (), None)


def test_a_second_exception_comes_after_the_first() -> None:
    handled: list[BaseException] = []

    def call() -> None:
        try:
            three_calls()
        except KeyboardInterrupt as error:
            handled.append(error)
            three_calls()
            raise

    outcome = interrupted(call, (1, 2), KeyboardInterrupt)
    assert (outcome.reached, len(outcome.landed), len(handled)) == (2, 2, 1)
    assert isinstance(outcome.raised, KeyboardInterrupt)
    assert outcome.raised is not handled[0]


def test_other_threads_are_left_alone() -> None:
    seen: list[object] = []

    def call() -> None:
        thread = threading.Thread(target=lambda: seen.append(three_calls()))
        thread.start()
        while thread.is_alive():
            pass

    interrupted(call, (3,), KeyboardInterrupt)
    time.sleep(0.05)
    assert seen in ([], [[0, 1, 2]])


def test_a_call_that_hangs_is_named_by_the_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "WATCHDOG_SECONDS", 0.05)
    lock = threading.Lock()
    lock.acquire()
    assert isinstance(interrupted(lock.acquire, (1000,), KeyboardInterrupt).raised, HungError)
