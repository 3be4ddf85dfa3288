"""A fuzzing run keeps its time: a turn that lasts longer is given up, unless it has found something."""

import signal
import threading
import time
from pathlib import Path

import pytest

from stateful.fuzzing import deadline as module
from stateful.fuzzing.deadline import SIGNAL, Deadline, TimeIsUp
from stateful.fuzzing.sources import SHRINKING, FuzzFinding, Harvest, Source
from stateful.fuzzing.worker import Share, work
from stateful.jobs.runner import Report

SOON = 0.05
LONG = 20.0


def silent(_text: str) -> None:
    """Report nothing."""


def test_a_block_that_lasts_too_long_is_left() -> None:
    before = signal.getsignal(SIGNAL), set(threading.enumerate())
    deadline = Deadline(SOON)
    began = time.monotonic()
    with deadline.watched(), deadline.raising() as cut:
        time.sleep(LONG)
    assert (bool(cut), time.monotonic() - began < 2) == (True, True)
    assert deadline.left < 0
    assert (signal.getsignal(SIGNAL), set(threading.enumerate())) == before


def test_a_block_that_ends_in_time_is_left_alone() -> None:
    deadline = Deadline(SOON)
    with deadline.watched():
        with deadline.raising() as cut:
            pass
        time.sleep(2 * SOON)  # outside of it nothing is raised
    assert cut == []


def test_an_exception_of_the_block_is_not_the_end_of_time() -> None:
    deadline = Deadline(LONG)
    with pytest.raises(LookupError), deadline.raising():
        raise LookupError
    with deadline.raising() as cut:
        assert cut != []


def test_an_exception_that_got_lost_is_raised_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE_SECONDS", SOON)
    deadline, lost = Deadline(SOON), 0
    with deadline.watched(), deadline.raising() as cut:
        try:
            time.sleep(LONG)
        except TimeIsUp:
            lost += 1
        time.sleep(LONG)
    assert (lost, bool(cut)) == (1, True)


def test_another_thread_is_not_watched() -> None:
    handlers = list[object]()

    def elsewhere() -> None:
        with Deadline(0).watched():
            handlers.append(signal.getsignal(SIGNAL))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(SIGNAL)]


def sleeping(_seed: int, _report: Report) -> Harvest:
    time.sleep(LONG)
    return Harvest(1)


def shrinking(_seed: int, report: Report) -> Harvest:
    report(f"found: {SHRINKING}")
    time.sleep(4 * SOON)
    return Harvest(1, 0, (FuzzFinding("a property", "text"),))


def test_a_turn_that_lasts_too_long_does_not_count(tmp_path: Path) -> None:
    began = time.monotonic()
    result = work(Share(0, 1), SOON, 1, tmp_path, silent, sources={"sleeping": Source(sleeping)})
    assert (result.good, time.monotonic() - began < 2) == (True, True)
    assert "the time was over during a turn of sleeping, which does not count" in result.details


def test_a_finding_is_shrunk_to_the_end(tmp_path: Path) -> None:
    result = work(Share(0, 1), SOON, 1, tmp_path, silent, sources={"shrinking": Source(shrinking)})
    assert (result.good, "a property" in result.details) == (False, True)
