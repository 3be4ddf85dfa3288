"""The standard scenarios: small, declared truly, clean under every schedule of one preemption and under random ones."""

import gc

import pytest

from stateful.schedules import policies
from stateful.schedules.harness import Harness
from stateful.schedules.program import PAGES, OpKind, TaskProgram
from stateful.schedules.run import execute, execute_twice
from stateful.schedules.scenarios import SCENARIOS
from stateful.schedules.search import exhaust_one

EVERY = [pytest.param(what, id=name) for name, what in SCENARIOS.items()]


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_schedule_of_one_preemption_goes_wrong(name: str) -> None:
    without, preempting = (exhaust_one(name, bound, lambda _text: None) for bound in (0, 1))
    assert (without.findings, preempting.findings) == ((), ())
    assert preempting.schedules > without.schedules > 1


@pytest.mark.parametrize("what", EVERY)
def test_no_random_schedule_goes_wrong(what: TaskProgram) -> None:
    for seed in range(40):
        assert execute(what, policies.random_walk(seed)).error is None
        assert execute(what, policies.pct(seed, depth=1 + seed % 5, points=20)).error is None
    assert execute(what, policies.round_robin).error is None


@pytest.mark.parametrize("what", EVERY)
def test_a_scenario_is_small_enough_to_be_exhausted(what: TaskProgram) -> None:
    assert len(execute(what, policies.steady).schedule) <= 40
    assert len(execute(what, policies.round_robin).schedule) <= 40


@pytest.mark.parametrize("what", EVERY)
def test_what_was_played_is_played_again_the_same(what: TaskProgram) -> None:
    first = execute(what, policies.random_walk(7))
    assert execute_twice(first.what).trace == first.trace


def test_the_scenarios_do_everything_there_is_to_do() -> None:
    assert {does for does in OpKind if not any(what.does(does) for what in SCENARIOS.values())} == set()


@pytest.mark.parametrize("what", EVERY)
def test_where_there_is_no_choice_none_would_matter(what: TaskProgram) -> None:
    """With a choice at every point the same scenario ends in no state of the specification that is not known."""
    stage = Harness(what, policies.random_walk(3))
    stage.runtime.shared = None
    stage.run()
    assert len(stage.pages.content) == PAGES


@pytest.mark.parametrize("name", ["pass and write", "pass and read", "two passes", "pass and close"])
def test_a_run_that_passes_leaves_nothing_to_collect(name: str) -> None:
    """Cycles that each run leaves would take a search a tenth of its time, and more where memory is slow."""
    execute(SCENARIOS[name], policies.random_walk(0))  # what is made once
    gc.collect()
    gc.disable()
    try:
        assert execute(SCENARIOS[name], policies.random_walk(1)).error is None
        left = gc.collect()
    finally:
        gc.enable()
    assert left == 0
