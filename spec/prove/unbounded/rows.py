"""The state of a device of any size, for a solver: a row is a function, from a number to what is there.

`State` has rows of a fixed length. Here slots, blocks, requests and readers are as many as some unknown number says,
so nothing is counted or searched: what a count or a search would find is said by additional rows, which only this
proof knows. `owner` says what has a block, `carrier` which request has a slot's pp_slot, `taken` which request the
pass has taken. How many there are of a kind is an unknown number; `count` says how it changes.

The same text is read at fixed sizes too, where a row is looked up in a tuple and "every" is a conjunction.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar, cast

import z3

from spec.model.state import Block, Budget, Counts, Reader, Req, Slot
from spec.model.tables import NONE
from spec.model.terms import every, no, within
from spec.prove.obligations import Sizes
from spec.prove.z3_terms import Number, Truth, number, truth, unknown

T = TypeVar("T")
Row = Callable[[int], T]

SLOTS, BLOCKS, REQUESTS, READERS = Sizes._fields

# Owner.kind: what has a block.
NOBODY, SLOT, REQUEST, PASS = range(4)


class Owner(NamedTuple):
    """The owner of a block: its kind and its index."""

    kind: int = NOBODY
    which: int = NONE


class CountedKind(NamedTuple):
    """Something that is counted in one of the four rows."""

    name: str
    row: str
    holds: Callable[["SymbolicDevice", int], bool]


class SymbolicDevice(NamedTuple):
    """`spec.model.state.State`, of any size, and what a recount or a search would find out about it."""

    sizes: Sizes
    slots: Row[Slot]
    queued: Row[int]
    blocks: Row[Block]
    reqs: Row[Req]
    readers: Row[Reader]
    running: int
    held: int
    budget: Budget
    counts: Counts
    owner: Row[Owner]
    """Per block: what has it."""
    carrier: Row[int]
    """Per slot: the request that has its pp_slot, or NONE."""
    taken: int
    """The request that is HELD, or NONE."""
    recount: Callable[[CountedKind], int]
    """Their number."""


_SYMBOLS: Final = {
    "slot": Slot._fields,
    "block": Block._fields,
    "request": Req._fields,
    "reader": Reader._fields,
    "owner": Owner._fields,
}
_UNKNOWN: Final = {
    f"{thing} {field}": z3.Function(f"{thing} {field}", z3.IntSort(), z3.IntSort())
    for thing, fields in (*_SYMBOLS.items(), ("slot", ("queued", "carrier")))
    for field in fields
}
_SEEN_IN: Final = {SLOTS: ("slot",), BLOCKS: ("block", "owner"), REQUESTS: ("request",), READERS: ("reader",)}


def any_device() -> SymbolicDevice:
    """Return any device at all, of any size."""
    return SymbolicDevice(
        sizes=Sizes(*[unknown(f"number of {name}") for name in Sizes._fields]),
        slots=_any_row(Slot, "slot"),
        queued=remembered(lambda i: _read("slot queued", i)),
        blocks=_any_row(Block, "block"),
        reqs=_any_row(Req, "request"),
        readers=_any_row(Reader, "reader"),
        running=unknown("running"),
        held=unknown("held"),
        budget=Budget(*[unknown(f"budget {field}") for field in Budget._fields]),
        counts=Counts(*[unknown(f"counts {field}") for field in Counts._fields]),
        owner=_any_row(Owner, "owner"),
        carrier=remembered(lambda i: _read("slot carrier", i)),
        taken=unknown("taken"),
        recount=lambda counted: unknown(f"recount of {counted.name}"),
    )


def _any_row(of: Callable[..., T], thing: str) -> Row[T]:  # type: ignore[explicit-any]  # the constructor of a row
    return remembered(lambda i: of(*[_read(f"{thing} {field}", i) for field in _SYMBOLS[thing]]))


def _read(symbol: str, i: int) -> int:
    return cast("int", Number(_UNKNOWN[symbol](number(i))))


def remembered(row: Row[T]) -> Row[T]:
    """Return the same row; what was found at a number is not put together again."""
    found: dict[int, tuple[z3.ExprRef, T]] = {}

    def look(i: int) -> T:
        term = number(i)
        identity = term.get_id()
        if identity not in found:
            found[identity] = term, row(i)  # nothing else has the identity of a term that is kept
        return found[identity][1]

    return look


def each(s: SymbolicDevice, row: str, holds: Callable[[int], bool]) -> bool:
    """Return whether something holds of everything in a row.

    Where this is assumed, the solver draws a conclusion about a number as soon as it comes across any field of what is
    there. It never guesses numbers.
    """
    size = getattr(s.sizes, row)
    if isinstance(size, int):
        return every([holds(i) for i in range(size)])
    i = unknown(f"any of the {row}" + "'" * _around.count(row))
    _around.append(row)
    claim = z3.Implies(truth(inside(s, row, i)), truth(holds(i)))
    _around.pop()
    named = number(i)
    seen = [symbol(named) for name, symbol in _UNKNOWN.items() if name.split()[0] in _SEEN_IN[row]]
    return cast("bool", Truth(z3.ForAll([named], claim, patterns=seen)))


_around: Final[list[str]] = []
"""The rows that are spoken of where `each` is called within `each`: every one needs a number of its own."""


def some(s: SymbolicDevice, row: str, holds: Callable[[int], bool]) -> bool:
    """Return whether something holds of anything in a row."""
    return no(each(s, row, lambda i: no(holds(i))))


def inside(s: SymbolicDevice, row: str, i: int) -> bool:
    """Return whether there is such a number in a row."""
    return within(0, i, getattr(s.sizes, row) - 1)


def pick(condition: bool, then: T, other: T) -> T:
    """Return `then` where `condition` holds, else `other`; both are numbers or tuples of one shape."""
    if condition.__class__ is bool:
        return then if condition else other
    if isinstance(then, tuple) and isinstance(other, tuple):  # type: ignore[unreachable]  # a condition may be a term
        fields = [pick(condition, a, b) for a, b in zip(then, other, strict=True)]
        return cast("T", then._make(fields) if hasattr(then, "_make") else tuple(fields))
    return cast("T", Number(z3.If(truth(condition), number(then), number(other))))


def cell(column: tuple[T, ...], i: int) -> T:
    """Return element `i` of a column of a table."""
    found = column[-1]
    for j, entry in enumerate(column[:-1]):
        found = pick(i == j, entry, found)
    return found


def updated(row: Row[T], i: int, value: T) -> Row[T]:
    """Return `row` with `value` at `i`; NONE is outside, where nobody looks."""
    return lambda j: pick(j == i, value, row(j))


def mapped(row: Row[T], change: Callable[[T], T]) -> Row[T]:
    """Return `row` with everything in it changed."""
    return lambda j: change(row(j))
