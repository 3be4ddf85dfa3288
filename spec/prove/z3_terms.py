"""Numbers and truth values of a solver, with the operators that the specification is written in and no others.

z3's own expressions would nearly do. But they have no `&` with a plain bool before it, and where a branch asks them
they answer by how they are written. Here a branch on the state is an error, so what is proved is what is run.
"""

from functools import cache
from typing import NoReturn, TypeVar, cast

import z3

from spec.model.state import Block, Budget, Counts, Reader, Req, Slot, State
from spec.prove.obligations import Sizes

Shape = TypeVar("Shape")
_Row = TypeVar("_Row", Slot, Block, Req, Reader, Budget, Counts)


class _Term:
    """A symbolic term: no branch may depend on it."""

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        raise TypeError("the specification branches on the state")


class Truth(_Term):  # noqa: PLW1641  (what is equal to what is a term: nothing to hash by)
    """True or false; where it is counted with, 1 or 0."""

    __slots__ = ("negation", "term")

    def __init__(self, term: z3.BoolRef) -> None:
        self.term = term
        self.negation: Truth | None = None
        """Made once it is asked for."""

    def __and__(self, other: object) -> "Truth":
        return self if other is True else Truth(z3.And(self.term, truth(other)))

    def __or__(self, other: object) -> "Truth":
        return self if other is False else Truth(z3.Or(self.term, truth(other)))

    def __eq__(self, other: object) -> "Truth":  # type: ignore[explicit-override, override]  # a term
        if other is not False:
            return Truth(self.term == truth(other))
        if self.negation is None:
            self.negation = Truth(z3.Not(self.term))
        return self.negation

    def __mul__(self, other: object) -> "Number":
        return Number(None, part=(self, number(other)))

    def __add__(self, other: object) -> "Number":
        return Number(number(self) + number(other))

    def __rsub__(self, other: object) -> "Number":
        return Number(number(other) - number(self))

    __rand__, __ror__, __rmul__, __radd__ = __and__, __or__, __mul__, __add__


class Number(_Term):  # noqa: PLW1641  (as above)
    """A whole number.

    `part` remembers that it is `condition * value`: `choose` adds two such parts, and z3 takes half the time when they
    are given to it as the one choice they are. By themselves they are made only if they are asked for.
    """

    __slots__ = ("_part", "_term")

    def __init__(self, term: z3.ArithRef | None, part: tuple[Truth, z3.ArithRef] | None = None) -> None:
        self._term, self._part = term, part

    @property
    def term(self) -> z3.ArithRef:
        """The number as z3 knows it."""
        if self._part is not None and self._term is None:
            condition, value = self._part
            self._term = z3.If(condition.term, value, 0)
        return self._term

    def __add__(self, other: object) -> "Number":
        if isinstance(other, Number) and self._part and other._part:
            (condition, then), (otherwise, value) = self._part, other._part
            if otherwise is condition.negation:
                return Number(then if then.eq(value) else z3.If(condition.term, then, value))
        return Number(self.term + number(other))

    def __sub__(self, other: object) -> "Number":
        return Number(self.term - number(other))

    def __rsub__(self, other: object) -> "Number":
        return Number(number(other) - self.term)

    def __mul__(self, other: object) -> "Number":
        return Number(self.term * number(other))

    def __eq__(self, other: object) -> Truth:  # type: ignore[explicit-override, override]  # a term
        return Truth(self.term == number(other))

    def __lt__(self, other: object) -> Truth:
        return Truth(self.term < number(other))

    def __le__(self, other: object) -> Truth:
        return Truth(self.term <= number(other))

    def __gt__(self, other: object) -> Truth:
        return Truth(self.term > number(other))

    def __ge__(self, other: object) -> Truth:
        return Truth(self.term >= number(other))

    __radd__, __rmul__ = __add__, __mul__


def number(x: object) -> z3.ArithRef:
    """Return a whole number, plain or not, as z3 knows it."""
    if isinstance(x, Number):
        return x.term
    if isinstance(x, Truth):
        return z3.If(x.term, z3.IntVal(1), z3.IntVal(0))
    if isinstance(x, int):
        return _plain(int(x))
    raise TypeError(f"{x!r} is no number")


@cache
def _plain(x: int) -> z3.ArithRef:
    return z3.IntVal(x)


def truth(x: object) -> z3.BoolRef:
    """Return a truth value, plain or not, as z3 knows it."""
    if isinstance(x, Truth):
        return x.term
    if isinstance(x, bool):
        return z3.BoolVal(x)
    raise TypeError(f"{x!r} is neither true nor false")


def unknown(name: str) -> int:
    """Return any whole number; the specification takes it for an int."""
    return cast("int", Number(z3.Int(name)))


def any_state(sizes: Sizes) -> State:
    """Return any state at all."""

    def rows(of: type[_Row], name: str, n: int) -> tuple[_Row, ...]:
        return tuple([of(*[unknown(f"{name} {i}.{field}") for field in of._fields]) for i in range(n)])

    return State(
        slots=rows(Slot, "slot", sizes.slots),
        queued=tuple([unknown(f"queued {i}") for i in range(sizes.slots)]),
        blocks=rows(Block, "block", sizes.blocks),
        reqs=rows(Req, "request", sizes.requests),
        readers=rows(Reader, "reader", sizes.readers),
        running=unknown("running"),
        held=unknown("held"),
        budget=rows(Budget, "budget", 1)[0],
        counts=rows(Counts, "counts", 1)[0],
    )


def found(model: z3.ModelRef, shape: Shape) -> Shape:
    """Return the plain numbers that a model puts for the terms in a tuple, of tuples or not."""
    if isinstance(shape, tuple):
        fields = [found(model, field) for field in shape]
        return cast("Shape", shape._make(fields) if hasattr(shape, "_make") else tuple(fields))
    if isinstance(shape, Number):
        return cast("Shape", model.eval(shape.term, model_completion=True).as_long())
    return shape
