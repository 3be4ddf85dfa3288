"""Terms mean what ints mean, and no branch may look at them."""

import itertools
import operator
from collections.abc import Callable
from typing import cast

import pytest
import z3

from spec.explore.bfs import BreadthFirstSearch
from spec.model.actions import ACTIONS
from spec.model.invariant import CLAUSES
from spec.model.properties import work_left
from spec.model.state import State
from spec.model.terms import choose, no
from spec.prove.obligations import Sizes, admitted, claims_on_the_step, parameters
from spec.prove.z3_terms import Number, Truth, any_state, found, number, truth, unknown
from spec.scope import Scope

ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.eq, operator.lt, operator.le, operator.gt, operator.ge]
VALUES = [-1, 0, 2]
SIZES = Sizes(2, 1, 1, readers=1)


def model() -> z3.ModelRef:
    """Any model: what is looked at here are constants."""
    solver = z3.Solver()
    assert solver.check() == z3.sat
    return solver.model()


def value(term: object) -> int | bool:
    if isinstance(term, Truth):
        return bool(z3.is_true(z3.simplify(term.term)))
    return int(found(model(), cast("int", term)))


def lifted(shape: object) -> object:
    """The same state, of terms."""
    if isinstance(shape, tuple):
        fields = [lifted(field) for field in shape]
        return shape._make(fields) if hasattr(shape, "_make") else tuple(fields)
    return Number(number(shape))


def sample() -> list[State]:
    """A few of the states of a small device, a read of which may be under way."""
    search = BreadthFirstSearch(Scope(2, 1, 1, 1, readers=1, huge=1))
    search.run()
    codes = sorted(search.seen)
    return [search.encoding.decode(code) for code in codes[:: len(codes) // 8]]


@pytest.mark.parametrize("operation", ARITHMETIC)
def test_numbers_calculate_and_compare_as_ints_do(operation: Callable[[object, object], object]) -> None:
    for a, b in itertools.product(VALUES, repeat=2):
        expected = operation(a, b)
        x, y = Number(z3.IntVal(a)), Number(z3.IntVal(b))
        assert [value(term) for term in (operation(x, y), operation(x, b), operation(a, y))] == [expected] * 3


def test_truth_values_connect_and_count_as_bools_do() -> None:
    for a, b in itertools.product([False, True], repeat=2):
        x, y = Truth(z3.BoolVal(a)), Truth(z3.BoolVal(b))
        for p, q in [(x, y), (x, b), (a, y)]:
            for operation in (operator.and_, operator.or_, operator.eq, operator.add):
                assert value(operation(p, q)) == operation(a, b)
        assert value(7 - x) == 7 - a
        assert value(5 * x) == value(x * 5) == 5 * a
        assert value(no(cast("bool", x))) == (not a)


def test_a_choice_is_a_choice_whatever_it_is_between() -> None:
    x, a, b = (cast("Number", unknown(name)) for name in "xab")
    chosen = cast("Number", choose(cast("bool", x == 1), cast("int", a), cast("int", b)))
    solver = z3.Solver()
    solver.add(chosen.term != z3.If(x.term == 1, a.term, b.term))
    assert solver.check() == z3.unsat


def test_two_parts_of_different_choices_are_added() -> None:
    p, q = Truth(z3.BoolVal(True)), Truth(z3.BoolVal(True))
    assert value(p * 2 + q * 3) == 5


@pytest.mark.parametrize("term", [Number(z3.Int("x")), Truth(z3.Bool("x")), Number(z3.Int("x")) == 1])
def test_a_branch_on_a_term_is_an_error(term: object) -> None:
    with pytest.raises(TypeError, match="branches on the state"):
        _ = 1 if term else 0


@pytest.mark.parametrize("convert", [number, truth])
def test_nothing_else_becomes_a_term(convert: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match=r"is no number|neither true nor false"):
        convert("1")


def test_a_state_of_terms_has_a_term_for_every_number() -> None:
    s = any_state(Sizes(3, 2, 2, readers=1))
    assert [len(row) for row in (s.slots, s.queued, s.blocks, s.reqs, s.readers)] == [3, 3, 2, 2, 1]
    assert len(set(map(str, [cast("Number", field).term for row in s.slots for field in row]))) == 12


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
def test_what_is_lifted_says_what_the_specification_says() -> None:
    states = sample()
    assert len(states) >= 8
    steps = 0
    for s in states:
        terms = cast("State", lifted(s))
        assert [value(clause(terms)) for clause in CLAUSES] == [True] * len(CLAUSES)
        assert value(work_left(terms)) == work_left(s)
        for action in admitted(SIZES, ACTIONS):
            domains = {"slot": range(2), "huge": range(2), "limit": range(2)}
            for args in itertools.product(*[domains.get(what, range(1)) for what in parameters(action)]):
                given = cast("tuple[int, ...]", lifted(args))
                can = action.guard(s, *args)
                assert value(Truth(truth(action.guard(terms, *given)))) == can
                if can:
                    steps += 1
                    after, terms_after = action.effect(s, *args), action.effect(terms, *given)
                    assert found(model(), terms_after) == after
                    for claim in claims_on_the_step(action):
                        assert value(claim.holds(terms, given, terms_after)) == claim.holds(s, args, after)
    assert steps > 50
