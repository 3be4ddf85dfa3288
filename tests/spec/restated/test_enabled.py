"""The conditions of actions in other words: a guard that allows more or less is noticed."""

import pytest

from spec.explore import bfs
from spec.footprint import footprint
from spec.model.actions import ACTIONS, Guard
from spec.model.state import AT_REST, State, initial
from spec.model.tables import EMPTY, SAME, STORED
from spec.restated.enabled import ENABLED, as_it_should
from spec.scope import Scope
from tests.spec.states import BUSY


def broken_by(monkeypatch: pytest.MonkeyPatch, name: str, guard: Guard) -> tuple[str, str, tuple[str, ...]]:
    wrong = tuple(each._replace(guard=guard) if each.name == name else each for each in ACTIONS)
    monkeypatch.setattr(bfs, "ACTIONS", wrong)
    broken = bfs.search(Scope(1, 1, 1, 1), wrong).broken
    assert broken is not None
    return broken.name, broken.sentence, broken.steps


def test_every_action_has_its_when() -> None:
    assert list(ENABLED) == [action.name for action in ACTIONS]


def test_a_guard_that_allows_too_much_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    name, sentence, steps = broken_by(monkeypatch, "discard", lambda s, i: s.slots[i].kind >= EMPTY)
    assert name == as_it_should.__name__
    assert sentence == "discard: an action can be taken exactly when it should be possible"
    assert steps == ()


def test_a_guard_that_allows_too_little_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = broken_by(monkeypatch, "discard", lambda s, i: s.slots[i].kind > SAME)
    assert found[2] == ("write_same(0)",)


def test_a_seeded_bug_is_not_held_against_it() -> None:
    def in_passing(s: State, i: int) -> bool:
        return (s.running >= AT_REST) & (s.slots[i].kind == STORED)

    wrong = [each._replace(guard=in_passing) if each.name == "read" else each for each in ACTIONS]
    assert bfs.search(Scope(1, 1, 1, 1), wrong).broken is None


def test_it_reads_what_the_guard_reads_or_what_follows_from_it() -> None:
    first = initial(2, 2, 2, 1, readers=1)
    for action in ACTIONS:
        args = (0,) * len(action.over)
        guard, when = footprint(action.guard, first, args).reads, footprint(ENABLED[action.name], first, args).reads
        assert set(guard) <= set(when), action.name
        assert as_it_should(action, BUSY, args), action.name
