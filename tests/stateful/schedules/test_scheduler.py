"""The scheduler: which task runs when, its findings, and what it costs nothing to pass."""

import signal
import threading
from functools import partial

import pytest

from stateful.common.carriers import Carriers, Greenlets, Threads
from stateful.schedules import policies, scheduler
from stateful.schedules.harness import Harness
from stateful.schedules.program import TaskProgram
from stateful.schedules.scenarios import SCENARIOS
from stateful.schedules.scheduler import OutOfOrderError, Policy, ScheduledRuntime, StuckError
from tests.refused import raising
from zram_impl.runtime import Rank


@pytest.fixture(autouse=True, params=[Greenlets, Threads])
def carriers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "Greenlets", request.param)


def run_two(policy: Policy, shared: frozenset[str] | None = None) -> tuple[ScheduledRuntime, list[str]]:
    """Two tasks that take a lock twice each, and who had it when."""
    runtime = ScheduledRuntime(policy, shared=shared)
    lock, order = runtime.lock("it", Rank.TABLE), list[str]()

    def work(name: str) -> None:
        for _ in range(2):
            with lock:
                order.append(name)

    def main() -> None:
        runtime.join_all([runtime.spawn(lambda: work("a"), "a"), runtime.spawn(lambda: work("b"), "b")])

    runtime.run(main)
    return runtime, order


def test_a_steady_run_preempts_nobody() -> None:
    assert run_two(policies.steady)[1] == ["a", "a", "b", "b"]


def test_a_round_robin_preempts_everybody() -> None:
    assert run_two(policies.round_robin)[1] == ["a", "b", "a", "b"]


def test_a_point_of_one_task_alone_is_no_choice() -> None:
    runtime, order = run_two(policies.round_robin, shared=frozenset({"another"}))
    assert order == ["a", "a", "b", "b"]
    assert [choice.preempts for choice in runtime.schedule] == [False]
    assert runtime.trace.count(("a", "it")) == 2


def test_who_waits_for_a_lock_is_no_choice_until_it_is_free() -> None:
    runtime = ScheduledRuntime(policies.round_robin)
    outer, inner, order = runtime.lock("outer", Rank.PASS), runtime.lock("inner", Rank.TABLE), list[str]()

    def work(name: str) -> None:
        with outer, inner:
            order.append(name)

    runtime.run(lambda: runtime.join_all([runtime.spawn(partial(work, name), name) for name in ("a", "b")]))
    assert order == ["a", "b"]
    assert [choice.preempts for choice in runtime.schedule] == [False, True]


def test_what_is_never_notified_is_stuck() -> None:
    runtime = ScheduledRuntime(policies.steady)
    condition = runtime.condition("never", Rank.ENGINE)

    def wait() -> None:
        with condition:
            condition.wait_for(lambda: False)

    with pytest.raises(StuckError, match="main waits at wait never"):
        runtime.run(wait)


@pytest.mark.parametrize("may", [False, True])
def test_a_wait_that_only_time_ends_is_a_finding(may: bool) -> None:
    runtime = ScheduledRuntime(policies.steady, time_may_pass=may)
    condition, ended = runtime.condition("answers", Rank.ENGINE), []

    def wait() -> None:
        with condition:
            ended.append(condition.wait_for(lambda: False, 0.1))

    if may:
        runtime.run(wait)
        assert ended == [False]
    else:
        with pytest.raises(StuckError, match="nobody_waits_without_a_waker: main waits at wait answers until time"):
            runtime.run(wait)


def test_a_notification_that_comes_before_the_wait_wakes_nobody() -> None:
    """The test of the predicate and the wait are one step only under the lock."""
    runtime = ScheduledRuntime(policies.replay([1]))
    condition, said = runtime.condition("it", Rank.ENGINE), list[int]()

    def wait() -> None:
        while not said:  # without the lock: somebody may say it right after
            with condition:
                condition.wait_for(lambda: runtime.trace[-1][0] == "sayer" and len(said) > 1)

    def say() -> None:
        said.append(1)
        with condition:
            condition.notify_all()

    def main() -> None:
        runtime.join_all([runtime.spawn(wait, "waiter"), runtime.spawn(say, "sayer")])

    runtime.run(main)
    assert said == [1]


def test_a_lock_taken_out_of_order_is_noticed() -> None:
    runtime = ScheduledRuntime(policies.steady)
    inner, outer = runtime.lock("engine", Rank.ENGINE), runtime.lock("table", Rank.TABLE)

    def wrong() -> None:
        with inner, outer:
            pass

    with pytest.raises(OutOfOrderError, match="main takes table, of rank TABLE, holding ENGINE"):
        runtime.run(wrong)


def test_two_tasks_that_wait_for_each_other_are_stuck() -> None:
    runtime = ScheduledRuntime(policies.round_robin)
    one, other = runtime.lock("one", Rank.PASS), runtime.lock("other", Rank.PASS)

    def wait_for(task: list[str], name: str) -> None:
        with one if name == "a" else other:
            task.append(name)
            runtime.point("holding")
            (other if name == "a" else one).__enter__()

    def main() -> None:
        order = list[str]()
        runtime.join_all([runtime.spawn(partial(wait_for, order, name), name) for name in ("a", "b")])

    with pytest.raises((StuckError, OutOfOrderError)):
        runtime.run(main)


def test_a_run_without_an_end_is_ended() -> None:
    runtime = ScheduledRuntime(policies.steady, most_points=50)

    def for_ever() -> None:
        while True:
            runtime.point("again")

    with pytest.raises(StuckError, match="no end after 50 points"):
        runtime.run(for_ever)


def test_an_error_of_a_task_unwinds_the_others() -> None:
    runtime = ScheduledRuntime(policies.steady)
    unwound = []

    def wait() -> None:
        try:
            runtime.spawn(raising(ValueError, "of the task"), "failing").join()
        finally:
            unwound.append("waiting")

    with pytest.raises(ValueError, match="of the task"):
        runtime.run(lambda: runtime.join_all([runtime.spawn(wait, "waiting")]))
    assert unwound == ["waiting"]


def test_ctrl_c_ends_a_run_whatever_its_outcome() -> None:
    """It lands in a task, whose way out may find what it waits for never to come."""
    runtime = ScheduledRuntime(policies.steady)
    condition = runtime.condition("never", Rank.ENGINE)

    def work() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
            runtime.point("not there yet")
        finally:
            with condition:
                condition.wait_for(lambda: False)

    with pytest.raises(KeyboardInterrupt):
        runtime.run(lambda: runtime.join_all([runtime.spawn(work, "working")]))
    run_two(policies.steady)


def test_an_interrupt_is_raised_with_the_lock_held() -> None:
    runtime = ScheduledRuntime(policies.steady)
    condition, seen = runtime.condition("it", Rank.ENGINE), list[object]()

    def wait() -> None:
        with condition:
            try:
                condition.wait_for(lambda: False)
            except KeyboardInterrupt:
                seen.append(condition.owner)

    def main() -> None:
        waiting = runtime.spawn(wait, "waiting")
        interrupting = runtime.spawn(lambda: runtime.interrupt(waiting), "interrupting")
        runtime.join_all([waiting, interrupting])
        seen.append(waiting)

    runtime.run(main)
    assert len(seen) == 2
    assert seen[0] is seen[1]


@pytest.mark.parametrize("what", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_threads_and_greenlets_give_the_same_run(what: TaskProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    def played(kind: type[Carriers]) -> tuple[object, ...]:
        monkeypatch.setattr(scheduler, "Greenlets", kind)
        stage = Harness(what, policies.random_walk(7))
        stage.run()
        return stage.runtime.trace, stage.runtime.schedule, stage.steps

    assert played(Threads) == played(Greenlets)


def test_threads_are_lent_to_one_run_after_another() -> None:
    run_two(policies.steady)
    before = threading.active_count()
    for _ in range(20):
        run_two(policies.round_robin)
    assert threading.active_count() == before
