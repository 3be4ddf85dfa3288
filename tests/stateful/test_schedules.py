"""The production code under schedules that are chosen: every one of few preemptions, and random ones."""

from collections.abc import Callable, Sequence
from unittest import mock

import pytest

from stateful import policies
from stateful.baton import BatonRuntime, Choice, OutOfOrderError, Policy, StuckError, preemptions
from stateful.scenarios import SCENARIOS, Stage
from zram_impl.entries import PP_SLOT
from zram_impl.request import WbReq
from zram_impl.runtime import Rank
from zram_impl.wbpass import WritebackPass

Scenario = Callable[[Policy], Sequence[Choice]]
EVERY = [pytest.param(scenario, id=name) for name, scenario in SCENARIOS.items()]


@pytest.mark.parametrize("scenario", EVERY)
def test_no_schedule_of_one_preemption_goes_wrong(scenario: Scenario) -> None:
    assert policies.every_schedule(scenario, 1) > policies.every_schedule(scenario, 0) > 1


@pytest.mark.parametrize("scenario", EVERY)
def test_no_random_schedule_goes_wrong(scenario: Scenario) -> None:
    for seed in range(60):
        scenario(policies.random_walk(seed))
        scenario(policies.pct(seed, depth=1 + seed % 5, points=40))
    scenario(policies.round_robin)


@pytest.mark.parametrize("scenario", EVERY)
def test_a_schedule_replays_the_same(scenario: Scenario) -> None:
    first = scenario(policies.random_walk(7))
    assert scenario(policies.replay([choice.taken for choice in first])) == first


@pytest.mark.parametrize("scenario", EVERY)
def test_a_scenario_is_small_enough_to_be_exhausted(scenario: Scenario) -> None:
    assert len(scenario(policies.steady)) <= 40


def test_an_exhaustive_search_keeps_to_its_bound_and_repeats_nothing() -> None:
    seen = []
    for attempt in policies.exhaust(1):
        attempt.schedule = SCENARIOS["pass and write"](attempt.policy)
        assert preemptions(attempt.schedule) <= 1
        seen.append(tuple(choice.taken for choice in attempt.schedule))
    assert len(set(seen)) == len(seen)


def test_a_decision_outside_of_the_lock_is_found() -> None:
    """The claim is looked at before the table lock is taken, and acted on after: check, then act."""
    complete, reap = WritebackPass._complete, WritebackPass._reap

    def looks_first(self: WritebackPass, actions: int) -> None:
        flags = self._shared.table.flags
        seen = {req.number: flags[req.index] & PP_SLOT for req in self._answered}

        def late(mine: WritebackPass, req: WbReq) -> None:
            flags[req.index] = flags[req.index] & ~PP_SLOT | seen[req.number]
            complete(mine, req)

        with mock.patch.object(WritebackPass, "_complete", late):
            reap(self, actions)

    looking_first = mock.patch.object(WritebackPass, "_reap", looks_first)
    with looking_first, pytest.raises(AssertionError, match="page 0 reads back what was last written to it"):
        policies.every_schedule(SCENARIOS["pass and write"], 2)


def test_what_is_never_notified_is_stuck() -> None:
    runtime = BatonRuntime(policies.steady)
    condition = runtime.condition("never", Rank.ENGINE)

    def wait() -> None:
        with condition:
            condition.wait_for(lambda: False)

    with pytest.raises(StuckError, match="main waits at wait never"):
        runtime.run(wait)


def test_a_lock_taken_out_of_order_is_noticed() -> None:
    runtime = BatonRuntime(policies.steady)
    inner, outer = runtime.lock("engine", Rank.ENGINE), runtime.lock("table", Rank.TABLE)

    def wrong() -> None:
        with inner, outer:
            pass

    with pytest.raises(OutOfOrderError, match="lock table"):
        runtime.run(wrong)


def test_two_tasks_that_wait_for_each_other_are_stuck() -> None:
    runtime = BatonRuntime(policies.round_robin)
    one, other = runtime.lock("one", Rank.PASS), runtime.lock("other", Rank.TABLE)

    def first() -> None:
        with one, other:
            pass

    def second() -> None:
        with other:
            runtime.point("holding")
            one.__enter__()

    def main() -> None:
        for task in [runtime.spawn(first, "first"), runtime.spawn(second, "second")]:
            task.join()

    with pytest.raises((StuckError, OutOfOrderError)):
        runtime.run(main)


def test_an_error_of_any_task_ends_the_run() -> None:
    runtime = BatonRuntime(policies.steady)

    def fail() -> None:
        raise ValueError("of the task")

    with pytest.raises(ValueError, match="of the task"):
        runtime.run(lambda: runtime.spawn(fail, "failing").join())


def test_a_result_that_does_not_add_up_is_noticed() -> None:
    stage = Stage(policies.steady)
    stage.write(0)

    def doctored() -> None:
        stage.writeback(0)
        stage.results[0].lost += 1

    with pytest.raises(AssertionError, match="adds up"):
        stage.run(doctored)
