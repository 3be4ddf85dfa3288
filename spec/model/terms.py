"""The few words this specification is written in, besides `&`, `|`, `==`, `<=`, `+` and `*`.

One text has many readers: it is run and searched (Python ints), confirmed (CrossHair's symbolic ints) and proved (z3
terms). Reading a row, replacing in a row and choosing are the only places where a reader's terms could need a
branch, so they are here, and the rest of the text uses no `and`, `or`, `not`, `if`, dict or set on the state.

Plain numbers take a short cut. What is plain is asked of `__class__`: a symbolic int says that it is an int wherever
`type` or `isinstance` asks, and would then branch once a cell.
"""

from typing import TypeVar, cast

T = TypeVar("T")


def at(row: tuple[T, ...], i: int) -> T:
    """Return element `i` of `row`; `i` is in range."""
    if i.__class__ is int:
        return row[i]
    chosen = row[-1]
    for j in range(len(row) - 2, -1, -1):
        chosen = choose(i == j, row[j], chosen)
    return chosen


def put(row: tuple[T, ...], i: int, value: T) -> tuple[T, ...]:
    """Return `row` with element `i` replaced by `value`; with `i` out of range, `row` itself."""
    if i.__class__ is int:
        return (*row[:i], value, *row[i + 1 :]) if 0 <= i < len(row) else row
    return tuple([choose(i == j, value, old) for j, old in enumerate(row)])


def choose(condition: bool, then: T, other: T) -> T:
    """Return `then` where `condition` holds, else `other`; both are ints or tuples of one shape."""
    if condition.__class__ is bool:
        return then if condition else other
    if isinstance(then, tuple) and isinstance(other, tuple):  # type: ignore[unreachable]  # a condition may be a term
        fields = [choose(condition, a, b) for a, b in zip(then, other, strict=True)]
        return cast("T", then._make(fields) if hasattr(then, "_make") else tuple(fields))
    return cast("T", condition * then + no(condition) * other)


def no(condition: bool) -> bool:
    """Return the negation (`not` and `~` do not mean it for every reader)."""
    return condition == False  # noqa: E712  (a comparison is a term for every reader, `not` is a branch)


def implies(condition: bool, then: bool) -> bool:
    """Return whether `then` holds wherever `condition` does."""
    return no(condition) | then


def bit(x: int) -> bool:
    """Return whether `x` is 0 or 1."""
    return within(0, x, 1)


def within(low: int, x: int, high: int) -> bool:
    """Return whether `low <= x <= high` (which would be a branch)."""
    return (x >= low) & (x <= high)


def count(conditions: list[bool]) -> int:
    """Return how many of `conditions` hold."""
    return sum([c * 1 for c in conditions])


def every(conditions: list[bool]) -> bool:
    """Return whether all of `conditions` hold, without branching on any."""
    held = True
    for c in conditions:
        held = c & held
    return held


def same(a: object, b: object) -> bool:
    """Return whether `a` and `b`, ints or tuples of one shape, are equal (`==` of tuples would be a branch)."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return every([same(x, y) for x, y in zip(a, b, strict=True)])
    return a == b
