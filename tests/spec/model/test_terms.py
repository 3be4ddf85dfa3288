"""The words of the specification mean the same for ints and for terms of a solver."""

import itertools

import pytest
import z3

from spec.model.state import Slot
from spec.model.terms import at, bit, choose, count, every, implies, no, put, within

ROW = (10, 20, 30)
SLOTS = (Slot(1), Slot(2, blk=0), Slot(4, 1, 1, 1))


def value(term: z3.ExprRef, **known: int) -> int | bool:
    """The value of a term, its variables being known."""
    given = [(z3.Int(name), z3.IntVal(number)) for name, number in known.items()]
    found = z3.simplify(z3.substitute(term, *given))
    return bool(z3.is_true(found)) if z3.is_bool(found) else int(found.as_long())


def test_at_picks_and_put_replaces() -> None:
    assert [at(ROW, i) for i in range(3)] == [10, 20, 30]
    assert [put(ROW, i, 0) for i in range(3)] == [(0, 20, 30), (10, 0, 30), (10, 20, 0)]


@pytest.mark.parametrize("i", [-1, 3])
def test_put_out_of_range_changes_nothing(i: int) -> None:
    assert put(ROW, i, 0) is ROW
    assert [value(old + z3.Int("i") * 0, i=i) for old in put(ROW, z3.Int("i"), 0)] == list(ROW)


@pytest.mark.parametrize("i", [0, 1, 2])
def test_a_term_can_be_an_index(i: int) -> None:
    assert value(at(ROW, z3.Int("i")), i=i) == ROW[i]
    assert [value(x, i=i) for x in put(ROW, z3.Int("i"), 0)] == list(put(ROW, i, 0))


@pytest.mark.parametrize("i", [0, 1, 2])
def test_a_term_can_pick_a_tuple(i: int) -> None:
    picked = at(SLOTS, z3.Int("i"))
    assert isinstance(picked, Slot)
    assert [value(field, i=i) for field in picked] == list(SLOTS[i])


def test_a_term_can_choose_between_plain_tuples() -> None:
    assert [value(x, i=1) for x in choose(z3.Int("i") == 1, (1, 2), (3, 4))] == [1, 2]
    with pytest.raises(ValueError, match="shorter"):
        choose(z3.Int("i") == 1, (1, 2), (3,))


def test_choose_between_two() -> None:
    assert choose(condition=True, then=1, other=2) == 1
    assert choose(condition=False, then=1, other=2) == 2


@pytest.mark.parametrize(("a", "b"), list(itertools.product([False, True], repeat=2)))
def test_connectives(a: bool, b: bool) -> None:
    assert no(a) == (not a)
    assert implies(a, b) == (not a or b)
    assert every([a, b]) == (a and b)
    assert count([a, b]) == a + b
    x, y = z3.Int("x") == 1, z3.Int("y") == 1
    assert value(no(x), x=a) == (not a)
    assert value(implies(x, y), x=a, y=b) == (not a or b)
    assert value(every([x, y]), x=a, y=b) == (a and b)
    assert value(count([x, y]), x=a, y=b) == a + b


def test_nothing_holds_of_nothing() -> None:
    assert every([]) is True
    assert count([]) == 0


def test_ranges_include_both_ends() -> None:
    assert [within(-1, x, 1) for x in range(-2, 3)] == [False, True, True, True, False]
    assert [bit(x) for x in (-1, 0, 1, 2)] == [False, True, True, False]
