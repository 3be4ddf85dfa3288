"""lz4 as the recorded kernel has it, which is an older one than the package's: its objects, byte for byte.

The newer one finds other matches on some pages: one in 10,000 of those that begin with noise and end in zeros, but one
in ten of those that begin with zeros as well. Sizes of objects are compared, and so are the blocks that compressed
writeback fills with them; that is why replays compress as the kernel does. Pure, and slow: a millisecond a page.

Kernel: LZ4_compress_fast(), LZ4_compress_fast_continue(), LZ4_loadDict(); LZ4_compress_HC_continue()
"""

from functools import lru_cache
from typing import Final

from zram_impl import PAGE_SIZE

_SHORTEST_MATCH: Final = 4
_LAST_LITERALS: Final = 5
_LAST_MATCH: Final = 12
"""Bytes before the end in which no match is looked for."""
_FARTHEST: Final = 65535
_PATIENCE: Final = 6
"""After two to the power of this many places without a match every other place is looked at, and so on."""
_NIBBLE: Final = 15
_MORE: Final = 255
"""A byte of a number that another one follows."""
_STRIDE: Final = 3
"""Of the places of a dictionary one in so many is known."""


class _Places:
    """Position at which each hash was seen last. With a dictionary the hash is another one, of more bytes."""

    def __init__(self, data: bytes, begin: int) -> None:
        self._data, self._begin = data, begin
        self._last: dict[int, int] = {}
        for place in range(0, begin - 7, _STRIDE):
            self.look(place)

    def look(self, place: int) -> int | None:
        """Return where the hash of a place was seen before it, and note the place."""
        if self._begin:
            key = (int.from_bytes(self._data[place : place + 5], "little") * 889523592379 >> 28) & 0xFFF
            found = self._last.get(key)
        else:
            key = (int.from_bytes(self._data[place : place + 4], "little") * 2654435761 & 0xFFFFFFFF) >> 19
            found = self._last.get(key, 0)  # the table of a page alone begins with zeros
        self._last[key] = place
        return found

    def match(self, place: int) -> int | None:
        """Return where the bytes of a place are found before it, and note the place."""
        found = self.look(place)
        if found is None or found >= place or place - found > _FARTHEST:
            return None
        return found if self._data[found : found + _SHORTEST_MATCH] == self._data[place:][:_SHORTEST_MATCH] else None


@lru_cache(maxsize=4096)
def compress(page: bytes, acceleration: int = 1, dictionary: bytes = b"") -> bytes:
    """Return the object of a page."""
    known = dictionary[-_FARTHEST - 1 :]
    data, begin = known + page, len(known)
    places, out, anchor = _Places(data, begin), bytearray(), begin
    last = begin + PAGE_SIZE - _LAST_MATCH
    places.look(begin)
    place = begin + 1
    while True:
        found = _search(places, place, last, acceleration << _PATIENCE)
        if found is None:
            break
        place, match = found
        while place > anchor and match and data[place - 1] == data[match - 1]:
            place, match = place - 1, match - 1
        literals = data[anchor:place]
        while True:
            length = _common(data, place, match, begin + PAGE_SIZE - _LAST_LITERALS)
            _sequence(out, literals, place - match, length)
            place += length
            anchor = place
            if place > last:
                break
            places.look(place - 2)
            behind = places.match(place)
            if behind is None:
                break
            match, literals = behind, b""  # right behind a match another one has no literals
        if place > last:
            break
        place += 1
    _literals(out, data[anchor:], 0)
    return bytes(out)


def with_first_byte(page: bytes, rest: bytes) -> bytes:
    """Return the object of a page of which `rest` is that of all but its first byte, which becomes a literal.

    The kernel's lz4hc never matches a page's first byte; the package's does, if there is a dictionary.
    """
    literals, at = rest[0] >> 4, 1
    if literals == _NIBBLE:
        while rest[at] == _MORE:
            literals, at = literals + _MORE, at + 1
        literals, at = literals + rest[at], at + 1
    out = bytearray()
    _literals(out, page[:1] + rest[at : at + literals], rest[0] & _NIBBLE)
    return bytes(out) + rest[at + literals :]


def _search(places: _Places, place: int, last: int, tries: int) -> tuple[int, int] | None:
    """Look for a match from a place on, with ever longer steps; return the place and where it is matched."""
    step = 1
    while True:
        after = place + step
        step, tries = tries >> _PATIENCE, tries + 1
        if after > last:
            return None
        match = places.match(place)
        if match is not None:
            return place, match
        place = after


def _common(data: bytes, place: int, match: int, end: int) -> int:
    """Return how many bytes of two places are the same, before `end`."""
    here, there = data[place:end], data[match : match + end - place]
    differs = int.from_bytes(here, "little") ^ int.from_bytes(there, "little")
    return len(here) if not differs else ((differs & -differs).bit_length() - 1) // 8


def _sequence(out: bytearray, literals: bytes, offset: int, length: int) -> None:
    rest = length - _SHORTEST_MATCH
    _literals(out, literals, min(rest, _NIBBLE))
    out += offset.to_bytes(2, "little")
    _extended(out, rest)


def _literals(out: bytearray, literals: bytes, nibble: int) -> None:
    out.append(min(len(literals), _NIBBLE) << 4 | nibble)
    _extended(out, len(literals))
    out += literals


def _extended(out: bytearray, number: int) -> None:
    """Write what of a number does not fit into its nibble."""
    if number >= _NIBBLE:
        out += bytes([_MORE]) * ((number - _NIBBLE) // _MORE)
        out.append((number - _NIBBLE) % _MORE)
