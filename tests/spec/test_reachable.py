"""A scope is asked for what it can show, neither more nor less."""

import itertools
import math

import pytest

from spec.explore.bfs import search
from spec.model.actions import ACTIONS
from spec.reachable import sometimes, taken, writes
from spec.scope import EVERY_RUN, Scope

SMALL = [Scope(*sizes) for sizes in itertools.product((1, 2), (1, 2), (1, 2), (-1, 0, 1, 2))]
SWITCHED = [
    Scope(slots, blocks, 1, limit)._replace(**{switch: 1})
    for switch in ("readers", "stores", "toggles", "resets", "recompress")
    for slots, blocks in ((1, 1), (2, 1), (1, 2))
    for limit in (-1, 0, 1)
] + [Scope(1, 1, 1, limit, readers=1, keeps=1) for limit in (0, 1, 2)]


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
@pytest.mark.parametrize("scope", [pytest.param(scope, id=scope.label()) for scope in [*SMALL, *SWITCHED]])
def test_every_sentence_asked_for_is_seen(scope: Scope) -> None:
    outcome = search(scope)
    assert outcome.broken is None
    assert outcome.never == ()


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
def test_the_scopes_of_every_run_ask_for_everything() -> None:
    asked = {sentence for scope in EVERY_RUN.values() for sentence in sometimes(scope)}
    assert asked == set(sometimes(Scope(3, 2, 2, 2, readers=1, keeps=1)))
    switched = {action.switch for action in ACTIONS if action.switch}
    assert {name for scope in EVERY_RUN.values() for name in switched if getattr(scope, name)} == switched


def test_without_budget_no_write_is_asked_for() -> None:
    none = Scope(limit=0)
    assert writes(none) == 0
    assert "a slot is wb" not in sometimes(none)
    assert taken(none, ["submit", "scan"]) == ["scan"]
    assert taken(Scope(), ["submit", "scan"]) == ["submit", "scan"]


def test_without_a_limit_there_is_no_end_of_writes() -> None:
    unbounded = (Scope(limit=-1), Scope(limit=0, toggles=1), Scope(limit=0, resets=1))
    assert [writes(scope) for scope in unbounded] == [math.inf] * 3
    assert [writes(Scope(limit=limit, stores=2)) for limit in (0, 1, 2)] == [2, 3, 6]


def test_what_does_not_happen_is_reported() -> None:
    stuck = [action for action in ACTIONS if action.name != "end_scan"]
    outcome = search(Scope(1, 1, 1, 1), [a for a in stuck if a.name != "begin_pass"])
    assert outcome.broken is None
    assert "a slot is wb" in outcome.never
    assert "reap is taken" in outcome.never
