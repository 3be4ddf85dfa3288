"""Memory that goes back to the system as soon as nothing in it is used: where compaction moves objects to.

A general allocator keeps a page of memory as long as one small object is in it, so freeing every other object gives
nothing back. A segment is a mapping of its own that is filled once, from its beginning on, and is given back whole.
"""

import mmap
from typing import Final

SEGMENT_BITS: Final = 20
SEGMENT_SIZE: Final = 1 << SEGMENT_BITS


class Segments:
    """The segments of a slot table.

    What is in a segment never changes, and its number is never used again. So `load` needs no lock: it finds the object
    or, when the segment has gone because the slot was replaced meanwhile, nothing. All else needs the table lock.

    Attributes:
        live: Bytes of the objects that are used; `live_in` by segment.
        filling: Number of the segment that is being filled.
        maps: The memory of each segment.
    """

    __slots__ = ("_filled", "filling", "live", "live_in", "maps")

    def __init__(self) -> None:
        self.maps: dict[int, mmap.mmap] = {}
        self.live_in: dict[int, int] = {}
        self.filling = 0
        self._filled = SEGMENT_SIZE
        self.live = 0

    @property
    def held(self) -> int:
        """Bytes of all segments."""
        return len(self.maps) << SEGMENT_BITS

    def store(self, data: bytes) -> tuple[int, int]:
        """Copy an object into a segment; return the segment's number and where in it the object begins.

        Raises:
            OSError, MemoryError: There is no memory for another segment.
        """
        size = len(data)
        if self._filled + size > SEGMENT_SIZE:
            self._begin()
        segment, offset = self.filling, self._filled
        self.maps[segment][offset : offset + size] = data
        self._filled += size
        self.live_in[segment] += size
        self.live += size
        return segment, offset

    def _begin(self) -> None:
        # Private: a shared anonymous mapping counts as shared memory and is limited as such.
        made = mmap.mmap(-1, SEGMENT_SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        full, self.filling = self.filling, self.filling + 1
        self.maps[self.filling], self.live_in[self.filling], self._filled = made, 0, 0
        if self.live_in.get(full) == 0:
            self._drop(full)

    def load(self, segment: int, offset: int, size: int) -> bytes | None:
        """Return a copy of an object; None when its segment has gone."""
        found = self.maps.get(segment)
        return None if found is None else found[offset : offset + size]

    def forget(self, segment: int, size: int) -> None:
        """Note that an object is not used any more. `SlotTable.replace` does the same without a call."""
        self.live -= size
        self.live_in[segment] -= size
        if not self.live_in[segment] and segment != self.filling:
            self._drop(segment)

    def _drop(self, segment: int) -> None:
        # Not closed: who reads from it at this moment keeps it for as long as that takes.
        del self.maps[segment], self.live_in[segment]

    def retire(self, least: int) -> set[int]:
        """Return the segments of which fewer than `least` bytes are used; none of them is filled any further."""
        found = {segment for segment, live in self.live_in.items() if live < least}
        if self.filling in found:
            self._filled = SEGMENT_SIZE
        return found
