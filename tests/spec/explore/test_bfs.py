"""The search finds what a naive search finds, and says how a property is broken in the fewest steps."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from spec.bugs.batching_v3 import BATCHING_V3
from spec.explore.bfs import BreadthFirstSearch, search
from spec.explore.expected_counts import PINNED, Pinned
from spec.model import writeback
from spec.model.actions import ACTIONS, Action
from spec.model.invariant import inv
from spec.model.properties import EVERY_STEP, StepProperty
from spec.model.state import State
from spec.scope import EVERY_RUN, Scope, choices

EVERYTHING = Scope(1, 1, 1, 1, readers=1, stores=1, toggles=1, huge=1, idle=1, recompress=1, resets=1)


class Naive(NamedTuple):
    """The result of a search that remembers nothing but the states."""

    states: set[State]
    transitions: int
    depth: int
    fired: Counter[str]


def successors(scope: Scope, s: State) -> Iterator[tuple[Action, tuple[int, ...], State]]:
    for choice in choices(scope):
        for args in choice.args:
            if choice.action.guard(s, *args):
                after = choice.action.effect(s, *args)
                if scope.admits(after.budget):
                    yield choice.action, args, after
                if choice.canonical:
                    break


def naive(scope: Scope) -> Naive:
    frontier = [scope.initial()]
    seen, fired, depth = set(frontier), Counter[str](), 0
    while frontier:
        following = []
        for s in frontier:
            for action, args, after in successors(scope, s):
                fired[action.name] += 1
                assert all(step.holds(s, args, after) for step in EVERY_STEP if action.name in step.actions)
                if after not in seen:
                    assert inv(after)
                    seen.add(after)
                    following.append(after)
        frontier, depth = following, depth + 1
    return Naive(seen, fired.total(), depth, fired)


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
@pytest.mark.parametrize(
    "scope",
    [
        pytest.param(scope, id=scope.label())
        for scope in (
            EVERYTHING._replace(stores=0, resets=0),
            EVERYTHING._replace(readers=0),
            Scope(2, 2, 1, 2),
            Scope(2, 1, 2, 1),
            Scope(2, 1, 1, 1, readers=1),
            Scope(1, 1, 1, 1, huge=1, idle=1, recompress=1, resets=1),
            Scope(1, 1, 1, 1, stores=2, toggles=1),
        )
    ],
)
def test_the_search_equals_a_naive_search(scope: Scope) -> None:
    expected = naive(scope)
    remembering = BreadthFirstSearch(scope)
    found = remembering.run()
    assert {remembering.encoding.decode(code) for code in remembering.seen} == expected.states
    assert found.broken is None
    assert (found.states, found.transitions, found.depth, found.fired) == (
        len(expected.states), expected.transitions, expected.depth, expected.fired,
    )  # fmt: skip


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
@pytest.mark.parametrize(
    ("scope", "counts"),
    [
        (Scope(1, 1, 1, 1), Pinned(97, 546, 21)),
        (Scope(2, 1, 1, 1), Pinned(906, 8670, 23)),
        (Scope(2, 2, 1, 2), Pinned(2025, 19109, 32)),
        (Scope(2, 2, 1, 2, stores=1), Pinned(6441, 64327, 34)),
        (EVERY_RUN["flags"], PINNED["flags"]),
    ],
)
def test_small_scopes_have_as_many_states_as_ever(scope: Scope, counts: Pinned) -> None:
    found = search(scope)
    assert (found.states, found.transitions, found.depth) == counts
    assert found.broken is None
    assert found.never == ()


def doctored(name: str, **changes: object) -> list[Action]:
    return [action._replace(**changes) if action.name == name else action for action in ACTIONS]  # type: ignore[arg-type]  # on purpose


def reap_twice(s: State, r: int) -> State:
    return writeback.reap(s, r)._replace(reqs=s.reqs)


def test_a_step_that_leaves_as_much_to_do_is_found() -> None:
    broken = search(Scope(1, 1, 1, 1), doctored("end_scan", effect=lambda s: s)).broken
    assert broken is not None
    assert (broken.name, broken.steps) == ("moves_towards_rest", ("begin_pass()", "end_scan()"))
    assert broken.before == broken.after


def test_a_pass_that_cannot_end_is_found() -> None:
    broken = search(Scope(1, 1, 1, 1), doctored("end_pass", guard=lambda _s: False)).broken
    assert broken is not None
    assert (broken.name, broken.steps) == ("reaches_quiescence", ("begin_pass()", "end_scan()"))
    assert broken.before == broken.after


def test_a_step_property_may_read_fields_its_step_leaves_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_page_is_same(before: State, _args: tuple[int, ...], _after: State) -> bool:
        return before.counts.same == 0

    step = StepProperty(no_page_is_same, ("begin_pass",), ("counts",))
    monkeypatch.setattr("spec.model.properties.EVERY_STEP", (step,))
    broken = search(Scope(1, 1, 1, 1)).broken
    assert broken is not None
    assert (broken.name, broken.steps) == ("no_page_is_same", ("write_same(0)", "begin_pass()"))


def test_an_initial_state_that_breaks_a_clause_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scope, "initial", lambda _scope: EVERYTHING_INITIAL._replace(held=0))
    broken = search(Scope(1, 1, 1, 1)).broken
    assert broken is not None
    assert (broken.name, broken.steps) == ("every_block_has_one_owner", ())


EVERYTHING_INITIAL = EVERYTHING.initial()


def test_a_request_that_is_not_given_back_is_found() -> None:
    broken = search(Scope(1, 1, 1, 1), doctored("reap", effect=reap_twice)).broken
    assert broken is not None
    assert broken.steps[-1] == "reap(0)"
    assert len(broken.steps) == 11


def test_a_counterexample_can_be_walked_again() -> None:
    bug = next(bug for bug in BATCHING_V3 if bug.name == "leak_on_lost_slot")
    broken = search(bug.scope, bug.actions).broken
    assert broken is not None
    before = s = bug.scope.initial()
    by_name = {action.name: action for action in bug.actions}
    for text in broken.steps:
        name, _, values = text.removesuffix(")").partition("(")
        args = [int(value) for value in values.split(", ") if value]
        assert by_name[name].guard(s, *args)
        before, s = s, by_name[name].effect(s, *args)
    assert (before, s) == (broken.before, broken.after)


def test_the_search_reports_how_far_it_is() -> None:
    said: list[tuple[int, int, int]] = []
    found = search(Scope(1, 1, 1, 1), progress=lambda *numbers: said.append(numbers))
    assert said[0] == (0, 1, 1)
    assert [depth for depth, _states, _frontier in said] == list(range(found.depth))
