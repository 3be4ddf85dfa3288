"""Turns: a computation pauses once a turn, and what waits for the interpreter gets it then."""

import threading
from time import perf_counter

import pytest

from zram_impl.passes import turns
from zram_impl.passes.turns import FairTurns


def test_it_pauses_when_a_turn_is_over_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    now, pauses = [10.0], list[float]()
    monkeypatch.setattr(turns, "perf_counter", lambda: now[0])
    monkeypatch.setattr(turns, "sleep", pauses.append)
    mine, seen = FairTurns(), list[int]()
    for moment in (10.0, 10.0009, 10.001, 10.0019, 10.5, 10.5009, 10.501):
        now[0] = moment
        mine.pause_in_time()
        seen.append(len(pauses))
    assert seen == [0, 0, 1, 1, 2, 2, 3]


def test_a_waiter_gets_a_lock_that_is_taken_again_and_again() -> None:
    """Without pauses the interpreter changes threads every 5 ms, mostly while the lock is held."""
    lock, got, mine = threading.Lock(), threading.Event(), FairTurns()

    def wait() -> None:
        with lock:
            got.set()

    thread = threading.Thread(target=wait)
    with lock:
        thread.start()
    ends = perf_counter() + 10
    while not got.is_set():
        with lock:
            sum(range(1000))
        mine.pause_in_time()
        assert perf_counter() < ends
    thread.join()
