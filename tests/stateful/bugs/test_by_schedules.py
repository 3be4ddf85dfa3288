"""Bugs that only some schedules show: random schedules find each, and nothing without a bug."""

import pytest

from stateful.bugs import by_schedules, seeded
from stateful.schedules import strategies
from stateful.schedules.program import FaultKind, OpKind
from stateful.schedules.run import execute
from stateful.schedules.scenarios import SCENARIOS
from stateful.schedules.token import decode

# Schedules are searched until there is one that shows the bug.
pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("unmeasured")]


@pytest.mark.parametrize("name", seeded.SCHEDULE_NAMES)
def test_a_bug_is_found_by_random_schedules(name: str) -> None:
    judged = by_schedules.judge(name, seeds=3, shrink=False)
    assert judged.breaks in judged.bug.breaks
    assert max(judged.schedules) < by_schedules.MOST


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("stale_completion_count", "1cpa85b"),
        ("wake_after_unlock", "1cpaa8gan"),
        ("check_then_act", "1cqb4ba2109z"),
        ("lost_update", "1c46pa88z"),
    ],
)
def test_a_finding_shrinks_to_the_smallest_program(name: str, token: str) -> None:
    judged = by_schedules.judge(name, seeds=1)
    assert (judged.token, judged.good) == (token, True)


@pytest.mark.parametrize("name", seeded.SCHEDULE_NAMES)
def test_a_bug_is_gone_once_it_is_removed(name: str) -> None:
    bug = seeded.by_name(name)
    with bug.applied():
        pass
    assert bug.search is not None
    assert execute(SCENARIOS[bug.search.scenario]).error is None


def test_operations_faults_and_preemptions_shrink_together() -> None:
    judged = by_schedules.judge_joint(by_schedules.JOINT, seeds=3)
    assert judged.good
    small = decode(judged.tokens[0])
    assert [OpKind(op.does) for op in small.ops] == [OpKind.WRITEBACK, OpKind.WRITE]
    assert [FaultKind(fault.fails) for fault in small.faults] == [FaultKind.WRITE]
    assert len(small.preemptions) <= 1


def test_a_program_without_a_bug_is_clean() -> None:
    search = strategies.look(5, 200)
    assert search.finding is None
    assert search.examples == 200


def test_the_same_seed_draws_the_same_programs() -> None:
    drawn: list[list[object]] = [[], []]
    for programs in drawn:
        strategies.look(11, 30, lambda played, programs=programs: programs.append(played.what))  # type: ignore[misc]  # a loop variable is bound
    assert drawn[0] == drawn[1]
