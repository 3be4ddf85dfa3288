"""Policies: exhaustive search keeps to its bound and repeats nothing, a replay is the same again."""

import itertools
from collections.abc import Callable, Sequence

import pytest

from stateful.schedules import policies
from stateful.schedules.policies import NondeterminismError
from stateful.schedules.run import execute
from stateful.schedules.scenarios import SCENARIOS
from stateful.schedules.scheduler import Policy, ScheduledRuntime, SchedulingChoice, preemptions


def pass_and_write(policy: Policy) -> Sequence[SchedulingChoice]:
    execution = execute(SCENARIOS["pass and write"], policy)
    assert execution.error is None
    return execution.schedule


def every_schedule(run: Callable[[Policy], Sequence[SchedulingChoice]], bound: int) -> list[tuple[int, ...]]:
    """Return the choices of every schedule of at most `bound` preemptions."""
    seen = []
    for attempt in policies.exhaust(bound):
        attempt.schedule = run(attempt.policy)
        assert preemptions(attempt.schedule) <= bound
        seen.append(tuple(choice.taken for choice in attempt.schedule))
    return seen


def test_an_exhaustive_search_keeps_its_bound() -> None:
    seen = every_schedule(pass_and_write, 1)
    assert len(set(seen)) == len(seen)


def three_tasks(policy: Policy) -> Sequence[SchedulingChoice]:
    """Three tasks of one step each: 3! orders."""
    runtime = ScheduledRuntime(policy)

    def main() -> None:
        runtime.steady = True
        tasks = [runtime.spawn(lambda: None, "task") for _ in range(3)]
        runtime.steady = False
        runtime.join_all(tasks)

    runtime.run(main)
    return runtime.schedule


def test_an_exhaustive_search_finds_every_order() -> None:
    assert len(every_schedule(three_tasks, 0)) == len(list(itertools.permutations(range(3))))


def test_the_same_choices_that_lead_elsewhere_are_noticed() -> None:
    flips = itertools.count()

    def sometimes(policy: Policy) -> Sequence[SchedulingChoice]:
        runtime = ScheduledRuntime(policy)
        tasks = 3 - (next(flips) == 3)
        runtime.run(lambda: runtime.join_all([runtime.spawn(lambda: None, "task") for _ in range(tasks)]))
        return runtime.schedule

    with pytest.raises(NondeterminismError, match=r"choice number 0 is .*options=3.* once and .*options=2.* then"):
        every_schedule(sometimes, 1)


def test_a_replay_takes_the_same_choices() -> None:
    first = pass_and_write(policies.random_walk(7))
    assert pass_and_write(policies.replay([choice.taken for choice in first])) == first


def test_a_random_walk_of_a_seed_is_the_same_everywhere() -> None:
    """The numbers of schedules until a seeded bug is found go by it."""
    walk = policies.random_walk(7)
    taken = [walk(range(options), True) for options in (2, 3, 4, 5) * 4]
    assert taken == [1, 0, 3, 0, 0, 2, 0, 2, 0, 2, 1, 0, 0, 1, 3, 0]


def test_sparse_preemptions_of_zero_are_steady() -> None:
    assert pass_and_write(policies.sparse({2: 0})) == pass_and_write(policies.steady)


@pytest.mark.parametrize("depth", range(1, 6))
def test_pct_lowers_a_priority_depth_minus_one_times(depth: int) -> None:
    ready = [0, 1, 2]
    choose = policies.pct(3, depth, 40)
    taken = [choose(ready, True) for _ in range(40)]
    assert sum(one != other for one, other in itertools.pairwise(taken)) <= depth - 1
