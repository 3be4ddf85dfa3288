"""The kinds of entries: all that a slot table may have for a page.

An entry is one immutable object that is replaced, never changed, and whose type says what it is:

    None          empty: reads as zeros
    int           same-filled: the word it is filled with
    bytes         stored: the compressed object, or the page itself when it is as long as a page (huge)
    Recompressed  stored: an object of a secondary algorithm; bytes of a type that says which
    Moved         stored: an object that compaction has moved to a segment; a number that says where, and its priority
    Backed        written back: block, object size, checksum and priority, packed into an int of its own type

So a reader needs no lock: it takes the reference and has a consistent page. It also means that an entry's identity
proves that nothing happened to the slot since the reference was taken; a `Backed` is made anew for every commit, so
identity is slot, block and generation in one.

Kernel: struct zram_table_entry
"""

from typing import ClassVar, Final, Self

from zram_impl.table.moved import Moved, moved_priority, moved_size
from zram_impl.units import PAGE_SIZE, BlkIdx

_SIZE_BITS: Final = 13
_PRIORITY_BITS: Final = 2
_CHECKSUM_BITS: Final = 32
CHECKSUM_SHIFT: Final = _PRIORITY_BITS + _SIZE_BITS
CHECKSUM_MASK: Final = (1 << _CHECKSUM_BITS) - 1
BLOCK_SHIFT: Final = _CHECKSUM_BITS + CHECKSUM_SHIFT
"""Bits of a `Backed` below the number of its block; those of its checksum are its upper part."""
assert PAGE_SIZE < 1 << _SIZE_BITS, "an object of a full page has a size that fits"


class Recompressed(bytes):
    """The entry of a stored slot whose object a secondary algorithm made."""

    __slots__ = ()
    priority: ClassVar[int]


class _Recompressed1(Recompressed):
    __slots__ = ()
    priority = 1


class _Recompressed2(Recompressed):
    __slots__ = ()
    priority = 2


class _Recompressed3(Recompressed):
    __slots__ = ()
    priority = 3


RECOMPRESSED: Final[tuple[type[Recompressed], ...]] = (_Recompressed1, _Recompressed2, _Recompressed3)
"""The types of priority 1, 2 and 3."""


def priority_of(stored: bytes | Moved) -> int:
    """Return the priority of the algorithm that made a stored object; a huge one has that of the first."""
    if type(stored) is Moved:
        return moved_priority(stored)
    return stored.priority if isinstance(stored, Recompressed) else 0


def size_of(stored: bytes | Moved) -> int:
    """Return the size of a stored object in bytes."""
    return len(stored) if isinstance(stored, bytes) else moved_size(stored)


def of_priority(data: bytes, priority: int) -> bytes:
    """Return the entry for an object that an algorithm of this priority made."""
    return RECOMPRESSED[priority - 1](data) if priority else data


class Backed(int):
    """The entry of a written-back slot; compare with `is`, its identity is its generation."""

    __slots__ = ()

    @classmethod
    def at(cls, blk_idx: int, size: int, checksum: int, priority: int = 0) -> Self:
        """Pack block, size of the object in memory (a full page: huge), CRC-32 of the block, and its priority."""
        return cls(((blk_idx << _CHECKSUM_BITS | checksum) << _PRIORITY_BITS | priority) << _SIZE_BITS | size)

    @property
    def blk_idx(self) -> BlkIdx:
        """The block that holds the page."""
        return BlkIdx(self >> BLOCK_SHIFT)

    @property
    def checksum(self) -> int:
        """CRC-32 of the block: of the page, or of its padded object."""
        return self >> CHECKSUM_SHIFT & CHECKSUM_MASK

    @property
    def priority(self) -> int:
        """Priority of the algorithm that made the object."""
        return self >> _SIZE_BITS & (1 << _PRIORITY_BITS) - 1

    @property
    def size(self) -> int:
        """Size of the object the slot had in memory."""
        return self & (1 << _SIZE_BITS) - 1


Stored = bytes
IN_MEMORY: Final = (bytes, Moved)
"""The types of the entries of stored slots."""
Entry = bytes | int | Moved | None
