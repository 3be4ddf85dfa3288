"""Memory that goes back to the system as soon as nothing in it is used: where compaction moves objects to.

A general allocator keeps a page of memory as long as one small object is in it, so freeing every other object gives
nothing back. A segment is a mapping of its own, filled once, from its beginning on. It goes back whole with the last
object in it, or, when it is emptied, from its beginning on. The system provides memory for what was filled and no more.
"""

import mmap
from contextlib import suppress
from typing import Final

SEGMENT_BITS: Final = 20
SEGMENT_SIZE: Final = 1 << SEGMENT_BITS
_NONE: Final = 0
"""The number of no segment."""


class Segment:
    """One mapping.

    Attributes:
        memory: The mapping.
        start: What lies before has gone back to the system.
        end: What lies behind was not filled yet.
    """

    __slots__ = ("end", "memory", "start")

    def __init__(self) -> None:
        # Private: a shared anonymous mapping counts as shared memory and is limited as such.
        self.memory: mmap.mmap = mmap.mmap(-1, SEGMENT_SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.start: int = 0
        self.end: int = 0


class Segments:
    """The segments of a slot table.

    An object in a segment never changes, and neither its place nor the segment's number is used again. So `load` needs
    no lock: it finds the object or, when that was moved or its slot replaced, perhaps nothing. All else needs
    the table lock.

    Attributes:
        live: Bytes of the objects that are used; `live_in` by segment.
        filling: Number of the segment that is being filled.
        maps: The segments by their numbers.
    """

    __slots__ = ("_number", "filling", "live", "live_in", "maps")

    def __init__(self) -> None:
        self.maps: dict[int, Segment] = {}
        self.live_in: dict[int, int] = {}
        self._number = _NONE
        self.filling: int = _NONE
        self.live: int = 0

    @property
    def held(self) -> int:
        """Bytes of all segments that are filled and have not gone back to the system."""
        return sum(segment.end - segment.start for segment in self.maps.values())

    def store(self, data: bytes) -> tuple[int, int]:
        """Copy an object into a segment; return the segment's number and where in it the object begins.

        Raises:
            OSError, MemoryError: There is no memory for another segment.
        """
        size = len(data)
        into = self.maps.get(self.filling)
        if into is None or into.end + size > SEGMENT_SIZE:
            into = self._begin()
        offset = into.end
        into.memory[offset : offset + size] = data
        into.end += size
        self.live_in[self.filling] += size
        self.live += size
        return self.filling, offset

    def _begin(self) -> Segment:
        made = Segment()
        self.close()
        self._number += 1
        self.maps[self._number], self.live_in[self._number] = made, 0
        self.filling = self._number
        return made

    def close(self) -> None:
        """Fill no segment any further but a new one."""
        closed, self.filling = self.filling, _NONE
        if self.live_in.get(closed) == 0:
            self._drop(closed)

    def load(self, segment: int, offset: int, size: int) -> bytes | None:
        """Return a copy of an object; None when it is no longer there."""
        found = self.maps.get(segment)
        if found is None:
            return None
        data = found.memory[offset : offset + size]
        # Only now: had `give_back` begun while the object was being copied, this is behind it.
        return None if offset < found.start else data

    def forget(self, segment: int, size: int) -> None:
        """Note that an object is not used any more. `SlotTable.replace` does the same without a call."""
        self.live -= size
        self.live_in[segment] -= size
        if not self.live_in[segment] and segment != self.filling:
            self._drop(segment)

    def _drop(self, segment: int) -> None:
        # Not closed: who reads from it at this moment keeps it for as long as that takes.
        del self.maps[segment], self.live_in[segment]

    def retire(self, part: int) -> list[int]:
        """Fill no segment any further but a new one; return those that are worth being emptied.

        Those are the ones of which more than one byte in `part` is not used, and the ones that are less than half
        filled: there would be more and more of them.
        """
        self.close()
        return [
            number
            for number, segment in self.maps.items()
            if (segment.end - segment.start - self.live_in[number]) * part > segment.end - segment.start
            or segment.end < SEGMENT_SIZE // 2
        ]

    def give_back(self, segment: int, end: int) -> None:
        """Give the memory of a retired segment before `end` back, where no object is used any more."""
        found = self.maps.get(segment)
        if found is None or end <= found.start:
            return  # gone, with the last object or when this was done before
        first, last = found.start & -mmap.PAGESIZE, end & -mmap.PAGESIZE
        found.start = end  # first: who copies from there at this moment looks at it afterwards
        if first < last:
            with suppress(OSError):  # memory that is locked stays until the segment goes
                found.memory.madvise(mmap.MADV_DONTNEED, first, last - first)
