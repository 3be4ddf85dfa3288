"""The entry of a stored slot whose object compaction has moved to a segment.

It is a complex number: its real part says where the object begins, its imaginary part what it is, both whole numbers
below 2 to the power of 53. Python's cycle collector looks at every instance of a class that is written in Python, and
begins to look when there are some hundred more of them; of a built-in number it does not know. So a compaction of a
million objects does not make everybody wait for the collector. It also takes half the memory.
"""

from typing import TypeAlias

from zram_impl.table.segments import SEGMENT_BITS
from zram_impl.units import PAGE_SIZE

Moved: TypeAlias = complex
"""Nothing else in a slot table is a complex number, so its type says what it is; compare with `is`, as any entry."""

_SIZE_BITS = 13
assert PAGE_SIZE < 1 << _SIZE_BITS, "an object of a full page has a size that fits"


def moved_to(segment: int, offset: int, size: int, priority: int) -> Moved:
    """Make the entry: number of the segment, offset in it, size of the object in bytes and its priority."""
    return complex(segment << SEGMENT_BITS | offset, priority << _SIZE_BITS | size)


def segment_of(entry: Moved) -> int:
    """Return the number of the segment that the object lies in."""
    return int(entry.real) >> SEGMENT_BITS


def offset_of(entry: Moved) -> int:
    """Return where in the segment the object begins."""
    return int(entry.real) & (1 << SEGMENT_BITS) - 1


def moved_size(entry: Moved) -> int:
    """Return the size of the object in bytes."""
    return int(entry.imag) & (1 << _SIZE_BITS) - 1


def moved_priority(entry: Moved) -> int:
    """Return the priority of the algorithm that made the object."""
    return int(entry.imag) >> _SIZE_BITS
