"""No index is out of its row.

A run would fail there, or take the last element. A proof takes the last element, so it is about what is run only if
this never happens: not in the invariant, nor in a guard, an effect or a claim wherever the invariant holds.
"""

from collections.abc import Iterator
from typing import TypeVar, cast

import pytest
import z3

from spec.model import backing_device, invariant, properties, terms, transitions, user, writeback
from spec.model.actions import ACTIONS, Action
from spec.model.invariant import inv
from spec.model.terms import within
from spec.prove.obligations import Sizes, allowed, claims, one_can_move, parameters
from spec.prove.z3_terms import Number, any_state, truth, unknown

pytestmark = pytest.mark.usefixtures("unmeasured")  # z3 has to be asked, through the same lines, many times

T = TypeVar("T")
SIZES = Sizes(2, 2, 2, readers=1)
MODULES = (backing_device, transitions, invariant, properties, user, writeback)


@pytest.fixture
def indices(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """The conditions on every index used, at the point of its use."""
    looked_at: list[bool] = []

    def at(row: tuple[T, ...], i: object) -> T:
        index: object = i  # to the type checker every index is an int
        if isinstance(index, Number):
            looked_at.append(within(0, cast("int", index), len(row) - 1))
        return terms.at(row, cast("int", i))

    for module in MODULES:
        if hasattr(module, "at"):
            monkeypatch.setattr(module, "at", at)
    return looked_at


def out_of_range(given: bool, looked_at: list[bool]) -> Iterator[z3.BoolRef]:
    solver = z3.Solver()
    solver.add(truth(given))
    assert solver.check() == z3.sat
    for condition in {term.get_id(): term for term in map(truth, looked_at)}.values():
        if solver.check(z3.Not(condition)) != z3.unsat:
            yield condition


def test_no_index_of_the_invariant_is_out_of_range(indices: list[bool]) -> None:
    holds = inv(any_state(SIZES))
    assert len(indices) > 0
    assert list(out_of_range(holds, indices)) == []


def test_no_index_is_out_of_range_in_what_is_said_of_rest(indices: list[bool]) -> None:
    s = any_state(SIZES)
    one_can_move(SIZES, s)
    assert list(out_of_range(inv(s), indices)) == []


@pytest.mark.parametrize("action", [pytest.param(action, id=action.name) for action in ACTIONS])
def test_no_index_of_an_action_is_out_of_range(indices: list[bool], action: Action) -> None:
    s = any_state(SIZES)
    args = tuple(unknown(name) for name in parameters(action))
    ranges = allowed(SIZES, action._replace(guard=lambda *_args: True), s, args)
    allowed(SIZES, action, s, args)
    assert list(out_of_range(inv(s) & ranges, indices)) == []
    indices.clear()
    after = action.effect(s, *args)
    for claim in claims(action):
        claim.holds(s, args, after)
    assert list(out_of_range(inv(s) & allowed(SIZES, action, s, args), indices)) == []


def test_an_index_that_may_be_out_of_range_is_noticed(indices: list[bool]) -> None:
    s, r = any_state(SIZES), unknown("request")
    writeback.reap(s, r)
    assert list(out_of_range(inv(s) & within(0, r, 1) & writeback.can_reap(s, r), indices)) == []
    assert list(out_of_range(inv(s) & within(0, r, 1), indices)) != []
