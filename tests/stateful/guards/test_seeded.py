"""Seeded mistakes: each is named by a lock, a field or a property, and the device as it is, is not."""

from collections.abc import Iterator

import pytest

from stateful.guards.hooks import installed
from stateful.guards.stage import judged_stages
from stateful.pairs import checks
from stateful.pairs.explore import Explorer
from stateful.pairs.states import BY_NAME
from stateful.schedules.policies import random_walk
from stateful.schedules.run import execute
from stateful.schedules.scenarios import SCENARIOS
from tests.stateful.guards.seeded import MISTAKES, Mistake

EVERY = [pytest.param(mistake, id=mistake.name) for mistake in MISTAKES]


def findings(mistake: Mistake) -> Iterator[str]:
    """Return the findings of the search for a mistake."""
    judge = checks.judge()
    if mistake.state:
        with installed(judge):
            explorer = Explorer(BY_NAME[mistake.state], judge)
            explorer.pair(*mistake.calls)
        yield from explorer.findings
        return
    with judged_stages(judge):
        for what in SCENARIOS.values():
            error = execute(what, random_walk(0)).error
            if error is not None:
                yield str(error)


@pytest.mark.parametrize("mistake", EVERY)
def test_a_mistake_is_named(mistake: Mistake) -> None:
    with mistake.made():
        assert next((found for found in findings(mistake) if mistake.names in found), None) is not None


@pytest.mark.parametrize(
    "mistake", [each for each in EVERY if isinstance(each.values[0], Mistake) and each.values[0].state]
)
def test_without_the_mistake_nothing_is_found(mistake: Mistake) -> None:
    found = list(findings(mistake))
    assert not found, "\n".join(found)


def test_a_mistake_whose_text_is_gone_is_noticed() -> None:
    gone = MISTAKES[0]._replace(text="with self._lock_of_old:")
    with pytest.raises(AssertionError, match="is there 0 times"), gone.made():
        pass
