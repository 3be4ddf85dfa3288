"""The production runtime: native locks and daemon threads."""

import threading

from tests.impl.doubles import PATIENCE
from zram_impl.runtime import Rank, ThreadRuntime

RUNTIME = ThreadRuntime()


def test_ranks_go_from_control_to_engine() -> None:
    assert sorted(Rank) == [Rank.CONTROL, Rank.PASS, Rank.TABLE, Rank.ENGINE]


def test_a_lock_keeps_others_out_until_it_is_left() -> None:
    lock, inside, order = RUNTIME.lock("table", Rank.TABLE), threading.Event(), list[str]()

    def other() -> None:
        inside.set()
        with lock:
            order.append("other")

    with lock:
        task = RUNTIME.spawn(other, "other")
        assert inside.wait(PATIENCE)
        order.append("holder")
    task.join(PATIENCE)
    assert order == ["holder", "other"]


def test_a_condition_wakes_who_waits_for_what_came_true() -> None:
    condition, state = RUNTIME.condition("engine", Rank.ENGINE), list[str]()

    def other() -> None:
        with condition:
            state.append("true")
            condition.notify_all()

    with condition:
        task = RUNTIME.spawn(other, "other")
        assert condition.wait_for(lambda: bool(state), PATIENCE)
    task.join(PATIENCE)
    assert not task.is_alive()


def test_waiting_ends_with_false_when_the_time_is_over() -> None:
    condition = RUNTIME.condition("engine", Rank.ENGINE)
    with condition:
        assert not condition.wait_for(lambda: False, 0)


def test_a_task_is_a_daemon_thread_of_its_name() -> None:
    seen: list[tuple[str, bool]] = []

    def note() -> None:
        me = threading.current_thread()
        seen.append((me.name, me.daemon))

    RUNTIME.spawn(note, "zram-writer-7").join(PATIENCE)
    assert seen == [("zram-writer-7", True)]


def test_only_the_main_thread_is_interruptible() -> None:
    answers: list[bool] = []
    RUNTIME.spawn(lambda: answers.append(RUNTIME.interruptible()), "other").join(PATIENCE)
    assert (RUNTIME.interruptible(), answers) == (True, [False])


def test_the_clock_never_goes_back() -> None:
    times = [RUNTIME.now() for _ in range(100)]
    assert times == sorted(times)
