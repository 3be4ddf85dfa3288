"""Pages for tests: each says which page it is and which writing of it, so that no two ever have the same content."""

import random
import struct
import zlib
from typing import Final

from zram_impl.units import PAGE_SIZE

_HEADER: Final = struct.Struct("<QQI")
_NOISE: Final = random.Random(4096).randbytes(PAGE_SIZE)
_LETTERS: Final = b"".join(random.Random(64).choices([bytes([byte]) for byte in range(64, 128)], k=PAGE_SIZE))
"""Does not compress for who looks for repetitions, and does for who counts letters as well."""
_COMPRESSIBLE_BYTES: Final = (300, 700, 1500, 2600)
"""Incompressible part of a compressible page; different sizes land in different buckets."""


def stamped(index: int, generation: int, *, huge: bool = False) -> bytes:
    """Return a page for writing number `generation` of page `index`: compressible, or not (huge).

    Of the huge ones each second is one that a harder algorithm compresses.
    """
    noise = PAGE_SIZE - _HEADER.size if huge else _COMPRESSIBLE_BYTES[generation % len(_COMPRESSIBLE_BYTES)]
    source = _LETTERS if huge and generation % 2 == 0 else _NOISE
    body = source[:noise].ljust(PAGE_SIZE - _HEADER.size, b"\0")
    return _HEADER.pack(index, generation, zlib.crc32(body, index ^ generation)) + body


def same_filled(word: int) -> bytes:
    """Return a page of one repeated 8-byte word."""
    return word.to_bytes(8, "little") * (PAGE_SIZE // 8)


def stamp_of(page: bytes) -> tuple[int, int] | None:
    """Return index and generation of a stamped page; None if it is not one, or is torn."""
    index, generation, checksum = _HEADER.unpack_from(page)
    if len(page) != PAGE_SIZE or checksum != zlib.crc32(page[_HEADER.size :], index ^ generation):
        return None
    return index, generation
