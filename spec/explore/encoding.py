"""A state as one int, so that a search compares, remembers and changes states at the price of an addition.

Every field of the state gets a number that stands for its value, and the numbers lie side by side in the int. What a
piece of the specification reads is a mask, and what it does is a difference: the same for every state that agrees
under the mask (see `footprint`).
"""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Final, cast

from spec.footprint import Piece, footprint
from spec.model.state import State

_BITS: Final = 24
_FIELD: Final = (1 << _BITS) - 1
_SHIFTS: Final = tuple(_BITS * field for field in range(len(State._fields)))
WIDTH: Final = _BITS * len(State._fields)
"""Bits of a state."""


class Encoding:
    """Numbers for values, one table per field of the state."""

    def __init__(self) -> None:
        self._values: list[list[object]] = [[] for _ in State._fields]
        self._numbers: list[dict[object, int]] = [{} for _ in State._fields]
        self.decode: Callable[[int], State] = lru_cache(maxsize=64)(self._decode)
        """Return the state that an int stands for."""

    def _number(self, field: int, value: object) -> int:
        number = self._numbers[field].setdefault(value, len(self._values[field]))
        if number == len(self._values[field]):
            assert number <= _FIELD, f"{State._fields[field]} has more than {_FIELD} values"
            self._values[field].append(value)
        return number << _BITS * field

    def encode(self, s: State) -> int:
        """Return the int that stands for `s`."""
        return sum(self._number(field, value) for field, value in enumerate(s))

    def _decode(self, code: int) -> State:
        fields = [values[code >> shift & _FIELD] for values, shift in zip(self._values, _SHIFTS, strict=True)]
        return State(*cast("State", fields))

    def difference(self, code: int, after: State, written: tuple[int, ...]) -> int:
        """Return what to add to `code` to get `after`, which differs in the fields `written` only."""
        return sum(self._number(field, after[field]) for field in written) - (code & mask(written))


@cache
def mask(fields: tuple[int, ...]) -> int:
    """Return the mask of these fields."""
    return sum(_FIELD << _BITS * field for field in fields)


def mask_of(piece: Piece, first: State, args: tuple[int, ...] = ()) -> int:
    """Return the mask of the fields that `piece` reads."""
    return mask(footprint(piece, first, args).reads)
