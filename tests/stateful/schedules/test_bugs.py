"""Bugs that only a schedule shows: each is found by chance, and no program is blamed without one."""

import pytest

from stateful.schedules import bugs, detection, strategies
from stateful.schedules.program import Does, Fails
from stateful.schedules.run import play
from stateful.schedules.scenarios import SCENARIOS
from stateful.schedules.token import decode

pytestmark = pytest.mark.timeout(600)  # schedules are searched until there is one that shows the bug


@pytest.mark.parametrize("name", bugs.NAMES)
def test_a_bug_is_found_by_random_schedules(name: str) -> None:
    judged = detection.judge(name, seeds=3)
    assert judged.breaks in bugs.by_name(name).breaks
    assert max(judged.schedules) < detection.MOST


@pytest.mark.parametrize("name", bugs.NAMES)
def test_a_bug_is_gone_once_it_is_taken_out(name: str) -> None:
    variant = bugs.by_name(name)
    with variant.applied():
        pass
    assert play(SCENARIOS[variant.scenario]).error is None


def test_operations_faults_and_preemptions_shrink_together_to_the_same() -> None:
    judged = detection.judge_joint(detection.JOINT, seeds=3)
    assert judged.good
    small = decode(judged.tokens[0])
    assert [Does(op.does) for op in small.ops] == [Does.WRITEBACK, Does.WRITE]
    assert [Fails(fault.fails) for fault in small.faults] == [Fails.WRITE]
    assert len(small.preemptions) <= 1


def test_a_program_without_a_bug_is_clean() -> None:
    search = strategies.look(5, 200)
    assert search.finding is None
    assert search.examples == 200


def test_the_same_seed_draws_the_same_programs() -> None:
    drawn: list[list[object]] = [[], []]
    for programs in drawn:
        strategies.look(11, 30, lambda played, programs=programs: programs.append(played.what))  # type: ignore[misc]
    assert drawn[0] == drawn[1]
