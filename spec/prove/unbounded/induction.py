"""The facts about counting that the proof for any size uses, themselves proved: by induction on the length of a row.

`before` and `after` hold of some of the first n places and not of others. Their numbers are given by what counting is:
the number among no places is zero, and one place more counts one more if it holds there. For each fact there are two
conditions: it is true of no places; and if it is true of n, it is true of n + 1.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, cast

import z3

from spec.prove.unbounded.conditions import DEVICE, Given, ProofCondition
from spec.prove.z3_terms import Truth

_HOLDS: Final = {name: z3.Function(name, z3.IntSort(), z3.BoolSort()) for name in ("before", "after")}
_MANY: Final = {name: z3.Function(f"number {name}", z3.IntSort(), z3.IntSort()) for name in _HOLDS}
_N, _PLACE, _J = z3.Ints("n place j")


class Fact(NamedTuple):
    """Something that is true of counting, by its sentence."""

    sentence: str
    of: Callable[[z3.ArithRef], z3.BoolRef]
    """Its statement about the first so many places."""


def _none(n: z3.ArithRef) -> z3.BoolRef:
    return z3.Implies(_each(n, z3.Not(_HOLDS["after"](_J))), _MANY["after"](n) == 0)


def _one_place(n: z3.ArithRef) -> z3.BoolRef:
    elsewhere = _each(n, z3.Or(_J == _PLACE, _HOLDS["after"](_J) == _HOLDS["before"](_J)))
    here = z3.And(_PLACE >= 0, n > _PLACE)
    difference = z3.If(here, _one("after", _PLACE) - _one("before", _PLACE), 0)
    return z3.Implies(elsewhere, _MANY["after"](n) == _MANY["before"](n) + difference)


def _bounds(n: z3.ArithRef) -> z3.BoolRef:
    return z3.And(_MANY["before"](n) >= 0, _MANY["before"](n) <= n)


FACTS: Final = (
    Fact("what holds nowhere is counted 0 times", _none),
    Fact("what changes in one place changes the number by that", _one_place),
    Fact("a number is between 0 and the length", _bounds),
)


def about_counting() -> Iterator[Given]:
    """Yield the two conditions of each fact."""
    nothing = z3.And([many(0) == 0 for many in _MANY.values()])
    more = z3.And([many(_N + 1) == many(_N) + _one(name, _N) for name, many in _MANY.items()])
    for fact in FACTS:
        yield _given(nothing, f"{fact.sentence}: of no places", fact.of(z3.IntVal(0)))
        yield _given(z3.And(_N >= 0, more, fact.of(_N)), f"{fact.sentence}: of one more", fact.of(_N + 1))


def _given(assumed: z3.BoolRef, name: str, claim: z3.BoolRef) -> Given:
    condition = ProofCondition("counting", DEVICE, name, lambda: cast("bool", Truth(claim)))
    return Given(lambda: cast("bool", Truth(assumed)), (condition,))


def _one(name: str, place: z3.ArithRef) -> z3.ArithRef:
    return z3.If(_HOLDS[name](place), 1, 0)


def _each(n: z3.ArithRef, claim: z3.BoolRef) -> z3.BoolRef:
    inside = z3.And(_J >= 0, n > _J)
    return z3.ForAll([_J], z3.Implies(inside, claim), patterns=[holds(_J) for holds in _HOLDS.values()])
