"""Compaction: objects move together, so that the memory between them can go back to the system.

Freed objects leave holes in the memory of a general allocator that it can reuse but not give back. When they have
become worth it, the objects that are left move to segments, some at a time; and segments that have become sparse are
emptied into others, one after the other and each from its beginning on, so that its memory goes back as its objects
move. So what the objects take never grows, and no memory is needed that is not given back at once. Reads, writes and
passes proceed: a page's object is the same wherever it lies.

Kernel: compact_store(), zs_compact()
"""

from array import array
from collections.abc import Sequence
from typing import Final

from zram_impl.passes.base import PassProgress
from zram_impl.passes.trim import trim
from zram_impl.passes.turns import FairTurns
from zram_impl.runtime import Lock
from zram_impl.table.moved import Moved, moved_size, offset_of, segment_of
from zram_impl.table.segments import SEGMENT_BITS
from zram_impl.table.slot_table import SlotTable
from zram_impl.units import PAGE_SIZE

CHUNK: Final = 64
"""Slots looked at, or objects moved out of a segment, in one hold of the table lock."""
WORTH: Final = 16
"""Holes are left alone while they are below a part in so many."""
TRIM_PART: Final = 16
"""Part of the objects that is moved before the allocator has to give back their memory: so much is there twice."""
TRIM_LEAST: Final = 4 << 20
TRIM_MOST: Final = 64 << 20
"""Bounds of that in bytes.

A task that allocates at that time waits, a fraction of a millisecond for each MiB given back; the table lock is free.
"""

_INDEX_BITS: Final = 64 - SEGMENT_BITS
_INDEX: Final = (1 << _INDEX_BITS) - 1


class Compaction:
    """A compaction under way; who drives it lets it move some objects at a time."""

    def __init__(self, table: SlotTable, lock: Lock) -> None:
        """Begin; `lock` is the table lock. Only one may be under way."""
        self._table = table
        self._lock = lock
        self._cancelled = self._ended = False
        self.abandoned: bool = False
        """Nobody waits for it any more; it never waits itself."""
        # What is compared and what is retired belong to one moment: nothing is stored in between.
        with lock:
            before = max(table.peak, table.compr_data_size)
            self._holes = before - table.compr_data_size
            self._ended = self._holes * WORTH <= before
            sparse = [] if self._ended else table.segments.retire(WORTH)
        self._sparse = {segment: array("Q") for segment in sparse}
        """The objects found in each segment that is to be emptied: offset and index of the slot, in one number."""
        self._emptied: Sequence[int] = ()
        """Those of the segment that is being emptied, by their offsets, that were not moved yet."""
        self._next = len(table.entries) if self._ended else 0
        self._untrimmed = 0
        self._trim_every = min(max(before // TRIM_PART, TRIM_LEAST), TRIM_MOST)
        self._turns = FairTurns()
        self.result: int = 0
        """Bytes of the holes that were closed."""

    def advance(self) -> PassProgress:
        """Move some objects."""
        if self._ended:
            return PassProgress.DONE
        if self._cancelled:
            return self._end()
        try:
            if self._next < len(self._table.entries):
                self._move_some()
            elif self._sparse:
                self._empty_some()
            else:
                self._finish()
                return self._end()
        except (OSError, MemoryError):  # no memory for another segment: what is left stays where it is
            return self._end()
        if self._untrimmed > self._trim_every:
            self._untrimmed = 0
            trim()
        self._turns.pause_in_time()
        return PassProgress.PROGRESS

    def _move_some(self) -> None:
        """Move the objects of some slots, but for those in sparse segments, which are noted."""
        end = min(self._next + CHUNK, len(self._table.entries))
        # Held for a few slots at a time, so that users wait for no more than that.
        with self._lock:
            self._untrimmed += self._move(range(self._next, end))
        self._next = end

    def _move(self, indexes: range) -> int:
        table, moved = self._table, 0
        for index in indexes:
            entry = table.entries[index]
            if isinstance(entry, bytes):
                table.move(index)
                moved += len(entry)
            elif type(entry) is Moved and (found := self._sparse.get(segment_of(entry))) is not None:
                found.append(offset_of(entry) << _INDEX_BITS | index)
        return moved

    def _empty_some(self) -> None:
        """Move some objects out of a sparse segment, and give back what lies before the others."""
        segment, found = next(iter(self._sparse.items()))
        if not self._emptied:
            self._emptied = sorted(set(found))
        # Race with users since the objects were noted: `_empty` looks at each slot again.
        with self._lock:
            self._empty(segment, self._emptied[:CHUNK])
        self._emptied = self._emptied[CHUNK:]
        if not self._emptied:
            del self._sparse[segment]

    def _empty(self, segment: int, found: Sequence[int]) -> None:
        table, end = self._table, 0
        try:
            for each in found:
                index, end = each & _INDEX, each >> _INDEX_BITS
                entry = table.entries[index]
                # Nothing was put into the segment since: what is there was there, but may have been replaced.
                if type(entry) is Moved and segment_of(entry) == segment:
                    table.move(index)
                    end += moved_size(entry)
        finally:
            if end:
                table.segments.give_back(segment, end)

    def _finish(self) -> None:
        table = self._table
        with self._lock:
            table.peak = table.compr_data_size
            table.pages_compacted += self._holes // PAGE_SIZE
        self.result = self._holes

    def _end(self) -> PassProgress:
        self._ended, self._next = True, len(self._table.entries)
        with self._lock:
            self._table.segments.close()
        trim()
        return PassProgress.DONE

    def wait(self) -> None:
        """Return at once: `advance` never says WAIT."""

    def cancel(self) -> None:
        """Move no more; what was moved stays where it is."""
        self._cancelled = True

    @property
    def selected(self) -> int:
        """Slots to look at."""
        return len(self._table.entries)

    @property
    def settled(self) -> int:
        """Slots looked at."""
        return self._next
