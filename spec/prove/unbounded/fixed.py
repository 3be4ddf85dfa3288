"""A device of a fixed size, as the specification has it, in the words for a device of any size."""

from collections.abc import Callable
from functools import cache
from typing import Final

from spec.model.state import HELD, State
from spec.model.tables import NONE
from spec.model.terms import count
from spec.prove.obligations import Sizes
from spec.prove.unbounded.rows import (
    PASS,
    REQUEST,
    SLOT,
    CountedKind,
    Owner,
    Row,
    SymbolicDevice,
    T,
    cell,
    pick,
    remembered,
)
from spec.prove.z3_terms import unknown

SIZES: Final = (Sizes(2, 2, 1, readers=1), Sizes(3, 2, 2, readers=1))


def device(s: State) -> SymbolicDevice:
    """Return the same device, with the additional rows as a search finds them."""
    owners = cache(lambda: tuple([_owner(s, b) for b in range(len(s.blocks))]))
    carriers = cache(lambda: tuple([_first([q.slot == i for q in s.reqs]) for i in range(len(s.slots))]))
    return _with_rows(s, owners, carriers, _first([q.phase == HELD for q in s.reqs]))


def device_with_any_additional_rows(s: State) -> SymbolicDevice:
    """Return the same device, with additional rows about which nothing is known."""
    owners = [Owner(unknown(f"owner {b}.kind"), unknown(f"owner {b}.which")) for b in range(len(s.blocks))]
    carriers = [unknown(f"carrier {i}") for i in range(len(s.slots))]
    return _with_rows(s, lambda: tuple(owners), lambda: tuple(carriers), unknown("taken"))


def _with_rows(
    s: State, owners: Callable[[], tuple[Owner, ...]], carriers: Callable[[], tuple[int, ...]], taken: int
) -> SymbolicDevice:
    found = SymbolicDevice(
        sizes=Sizes(len(s.slots), len(s.blocks), len(s.reqs), len(s.readers)),
        slots=_row(lambda: s.slots),
        queued=_row(lambda: s.queued),
        blocks=_row(lambda: s.blocks),
        reqs=_row(lambda: s.reqs),
        readers=_row(lambda: s.readers),
        running=s.running,
        held=s.held,
        budget=s.budget,
        counts=s.counts,
        owner=_row(owners),
        carrier=_row(carriers),
        taken=taken,
        recount=lambda _counted: 0,
    )
    return found._replace(recount=lambda counted: _recount(found, counted))


def _recount(s: SymbolicDevice, counted: CountedKind) -> int:
    return count([counted.holds(s, j) for j in range(getattr(s.sizes, counted.row))])


def _row(row: Callable[[], tuple[T, ...]]) -> Row[T]:
    return remembered(lambda i: row()[i] if i.__class__ is int else cell(row(), i))


def _owner(s: State, b: int) -> Owner:
    found = pick(s.held == b, Owner(PASS), Owner())
    for r, q in enumerate(s.reqs):
        found = pick(q.blk == b, Owner(REQUEST, r), found)
    for i, slot in enumerate(s.slots):
        found = pick(slot.blk == b, Owner(SLOT, i), found)
    return found


def _first(conditions: list[bool]) -> int:
    found = NONE
    for which, condition in reversed(list(enumerate(conditions))):
        found = pick(condition, which, found)
    return found
