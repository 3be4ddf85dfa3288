"""Each bug put back breaks the property it says, in as many steps as it says, and nothing else is at fault."""

import pytest

from spec.bugs.batching_v3 import Variant
from spec.bugs.history import EVERY_VARIANT
from spec.explore.bfs import walk
from spec.model.actions import ACTIONS
from spec.model.invariant import CLAUSES
from spec.model.properties import EVERY_STEP, REST

IDS = [pytest.param(variant, id=variant.name) for variant in EVERY_VARIANT]


@pytest.mark.parametrize("variant", IDS)
def test_a_variant_breaks_its_property_in_so_many_steps(variant: Variant) -> None:
    outcome = walk(variant.scope, variant.actions)
    if not variant.steps:  # nothing goes wrong, but what should happen never does
        assert outcome.broken is None
        assert variant.breaks in outcome.never
        return
    broken = outcome.broken
    assert broken is not None
    assert (broken.name, len(broken.steps)) == (variant.breaks, variant.steps)


@pytest.mark.parametrize("scope", sorted({variant.scope for variant in EVERY_VARIANT}))
def test_without_the_bug_the_same_scope_is_clean(scope: tuple[int, ...]) -> None:
    outcome = walk(next(variant.scope for variant in EVERY_VARIANT if variant.scope == scope))
    assert outcome.broken is None
    assert outcome.never == ()


@pytest.mark.parametrize("variant", IDS)
def test_a_variant_replaces_what_it_says_and_nothing_else(variant: Variant) -> None:
    changed = [mine.name for mine, theirs in zip(variant.actions, ACTIONS, strict=True) if mine != theirs]
    assert sorted(changed) == sorted(action.name for action in variant.replaced)


def test_a_variant_of_an_action_that_does_not_exist_is_refused() -> None:
    stray = EVERY_VARIANT[0]._replace(replaced=(ACTIONS[0]._replace(name="wriet"),))
    with pytest.raises(AssertionError, match="replaces what exists"):
        _ = stray.actions


def test_what_variants_break_exists() -> None:
    names = {clause.__name__ for clause in CLAUSES} | {each.holds.__name__ for each in EVERY_STEP} | dict(REST).keys()
    assert {variant.breaks for variant in EVERY_VARIANT if variant.steps} <= names
    assert len({variant.name for variant in EVERY_VARIANT}) == len(EVERY_VARIANT)
