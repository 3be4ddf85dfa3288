"""A thread that is stepped: from stop to stop, or to its end."""

import threading

import pytest

from stateful.lockstep.stepped_runtime import ROOM, SteppedRuntime
from stateful.lockstep.stepped_thread import SteppedThread
from zram_impl.runtime import Rank


class Stopping:
    """A thread with two stops, and what it did."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.thread = SteppedThread(self._run, "a thread with stops")

    def _run(self) -> None:
        for where in ("first", "second"):
            self.did.append(f"before {where}")
            self.did.append(f"{where}: {self.thread.stop(where)}")


def test_a_thread_runs_from_stop_to_stop() -> None:
    it = Stopping()
    assert (it.thread.at, it.did, it.thread.is_alive()) == (None, [], True)
    it.thread.step()
    assert (it.thread.at, it.did) == ("first", ["before first"])
    it.thread.step()
    assert (it.thread.at, it.did) == ("second", ["before first", "first: True", "before second"])
    it.thread.step()
    assert (it.thread.at, it.thread.over, it.thread.is_alive()) == (None, True, False)


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_who_joins_a_thread_lets_it_run_to_its_end(steps: int) -> None:
    it = Stopping()
    for _ in range(steps):
        it.thread.step()
    it.thread.join(0.1)
    assert it.thread.over
    assert it.did[-1] == f"second: {steps == 3}"


def test_a_thread_that_fails_is_over() -> None:
    failed = SteppedThread(lambda: None, "a thread")
    failed.step()
    assert failed.over


def test_an_interrupted_start_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second start ran the thread twice: "Exception ignored in thread started by" when a machine was killed.

    Python has no number for a thread until that runs, and the signal came before.
    """
    starts, begin = list[str](), threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        starts.append(thread.name)
        begin(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    monkeypatch.setattr(threading.Thread, "ident", None)
    it = Stopping()
    with pytest.raises(KeyboardInterrupt):
        it.thread.step()
    it.thread.run_out()
    assert starts == ["a thread with stops"]
    assert it.thread.over
    assert it.did[-1] == "second: False"


def test_a_task_stops_where_it_would_wait() -> None:
    runtime = SteppedRuntime()
    condition, seen = runtime.condition("a condition", Rank.ENGINE), list[bool]()

    def run() -> None:
        with condition:
            seen.append(condition.wait_for(lambda: len(seen) > 0, 1.0))
            seen.append(condition.wait_for(lambda: len(seen) > 0, 1.0))

    task = runtime.spawn(run, "a task")
    task.step()
    assert (task.at, seen) == ("a condition", [])
    with condition:  # which the task has released
        condition.notify_all()
    task.step()
    assert (task.over, seen) == (True, [False, True])


def test_who_waits_for_the_task_lets_it_run() -> None:
    runtime = SteppedRuntime()
    condition, room, done = runtime.condition("a condition", Rank.ENGINE), runtime.condition(ROOM, Rank.ENGINE), [False]
    with condition:  # nobody is there to wait for
        assert not condition.wait_for(lambda: False, 0.0)

    def run() -> None:
        done[0] = True

    task = runtime.spawn(run, "a task")
    runtime.while_waiting = task.step
    with room:
        assert room.wait_for(lambda: done[0], 60.0)
