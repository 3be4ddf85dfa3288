"""Each seeded bug breaks the property it says, in as many steps as it says, and nothing else is at fault."""

import pytest

from spec.bugs.batching_v3 import SpecBug
from spec.bugs.history import SEEDED_BUGS
from spec.model.actions import ACTIONS
from spec.model.invariant import CLAUSES
from spec.model.properties import EVERY_STEP, REST
from tests.spec.searches import search_once

IDS = [pytest.param(bug, id=bug.name) for bug in SEEDED_BUGS]


@pytest.mark.parametrize("bug", IDS)
def test_a_bug_breaks_its_property_in_so_many_steps(bug: SpecBug) -> None:
    outcome = search_once(bug.scope, bug.actions)
    if not bug.steps:  # nothing goes wrong, but what should happen never does
        assert outcome.broken is None
        assert bug.breaks in outcome.never
        return
    broken = outcome.broken
    assert broken is not None
    assert (broken.name, len(broken.steps)) == (bug.breaks, bug.steps)


@pytest.mark.parametrize("scope", sorted({bug.scope for bug in SEEDED_BUGS}))
def test_without_the_bug_the_same_scope_is_clean(scope: tuple[int, ...]) -> None:
    outcome = search_once(next(bug.scope for bug in SEEDED_BUGS if bug.scope == scope))
    assert outcome.broken is None
    assert outcome.never == ()


@pytest.mark.parametrize("bug", IDS)
def test_a_bug_replaces_what_it_says_and_nothing_else(bug: SpecBug) -> None:
    changed = [mine.name for mine, theirs in zip(bug.actions, ACTIONS, strict=True) if mine != theirs]
    assert sorted(changed) == sorted(action.name for action in bug.replaced)


def test_a_bug_of_an_action_that_does_not_exist_is_refused() -> None:
    stray = SEEDED_BUGS[0]._replace(replaced=(ACTIONS[0]._replace(name="wriet"),))
    with pytest.raises(AssertionError, match="replaces what exists"):
        _ = stray.actions


def test_what_bugs_break_exists() -> None:
    names = {clause.__name__ for clause in CLAUSES} | {each.holds.__name__ for each in EVERY_STEP} | dict(REST).keys()
    assert {bug.breaks for bug in SEEDED_BUGS if bug.steps} <= names
    assert len({bug.name for bug in SEEDED_BUGS}) == len(SEEDED_BUGS)
