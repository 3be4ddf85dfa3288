"""The fields of the state that a piece of the specification reads and writes.

The text does not branch on the state (see `model.terms`), so it reads the same fields whatever their values are, and
one evaluation shows them all. The search evaluates each piece once per combination of the fields it reads; a test
compares it with a search that does not.
"""

from collections.abc import Callable
from typing import NamedTuple, cast

from spec.model.state import State

# A guard, an effect or a property: what follows the state are parameters of its own.
Piece = Callable[..., object]  # type: ignore[explicit-any]  # each has parameters of its own


class FieldFootprint(NamedTuple):
    """Positions of fields in State."""

    reads: tuple[int, ...]
    writes: tuple[int, ...]


class _Watched:
    """Looks like a State and notes which fields are read and replaced."""

    def __init__(self, state: State, reads: set[str], writes: set[str]) -> None:
        self._state, self._reads, self._writes = state, reads, writes

    def __getattr__(self, name: str) -> object:
        self._reads.add(name)
        return getattr(self._state, name)

    def _replace(self, **fields: object) -> "_Watched":
        self._writes.update(fields)
        return _Watched(self._state._replace(**fields), self._reads, self._writes)  # type: ignore[arg-type]  # as given


def footprint(piece: Piece, state: State, args: tuple[int, ...] = ()) -> FieldFootprint:
    """Evaluate `piece(state, *args)` once and return what it read and wrote."""
    reads: set[str] = set()
    writes: set[str] = set()
    piece(cast("State", _Watched(state, reads, writes)), *args)
    # a field that a parameter leaves unchanged is written with its old value, which is a read
    names = State._fields
    return FieldFootprint(
        tuple(sorted(names.index(n) for n in reads | writes)), tuple(sorted(names.index(n) for n in writes))
    )
