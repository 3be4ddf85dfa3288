"""Compaction: objects move together, so that the memory between them can go back to the system.

Freed objects leave holes in the memory of a general allocator that it can reuse but not give back. When they have
become worth it, the objects that are left move to segments, some at a time; and segments that have become sparse are
moved to others. Reads, writes and passes go on meanwhile: a page's object is the same wherever it lies.

Kernel: compact_store(), zs_compact()
"""

from typing import Final

from zram_impl.passes.base import Progress
from zram_impl.passes.trim import trim
from zram_impl.runtime import Lock
from zram_impl.table.segments import SEGMENT_SIZE
from zram_impl.table.slot_table import Moved, SlotTable
from zram_impl.units import PAGE_SIZE

CHUNK: Final = 64
"""Slots looked at in one hold of the table lock."""
WORTH: Final = 16
"""Holes are left alone while they are below a part in so many."""
TRIM_EVERY: Final = 64 << 20
"""Bytes moved after which the allocator is told to give back what they took, so that not all is there twice for long.

Whoever allocates meanwhile waits for that, a fraction of a millisecond for each MiB given back; the table lock is free.
"""


class Compaction:
    """A compaction under way; who drives it lets it move some objects at a time."""

    def __init__(self, table: SlotTable, lock: Lock) -> None:
        """Begin; `lock` is the table lock. Only one may be under way."""
        self._table = table
        self._lock = lock
        self._cancelled = False
        self.abandoned = False
        """Nobody waits for it any more; it never waits itself."""
        with lock:
            before = max(table.peak, table.compr_data_size)
            self._holes = before - table.compr_data_size
            worth = self._holes * WORTH > before
            self._sparse = table.segments.retire(SEGMENT_SIZE - SEGMENT_SIZE // WORTH) if worth else set()
        self._next = 0 if worth else len(table.entries)
        self._untrimmed = 0
        self.result = 0
        """Bytes of the holes that were closed."""

    def advance(self) -> Progress:
        """Move the objects of some slots."""
        table, end = self._table, min(self._next + CHUNK, len(self._table.entries))
        if self._next == len(table.entries):
            return Progress.DONE
        if self._cancelled:
            return self._end()
        try:
            with self._lock:
                self._untrimmed += self._move(range(self._next, end))
        except (OSError, MemoryError):  # no memory for another segment: what is left stays where it is
            return self._end()
        self._next = end
        if end == len(table.entries):
            with self._lock:
                table.peak = table.compr_data_size
                table.pages_compacted += self._holes // PAGE_SIZE
            self.result = self._holes
            return self._end()
        if self._untrimmed > TRIM_EVERY:
            self._untrimmed = 0
            trim()
        return Progress.PROGRESS

    def _move(self, indexes: range) -> int:
        table, moved = self._table, 0
        for index in indexes:
            entry = table.entries[index]
            if isinstance(entry, bytes) or (type(entry) is Moved and entry.segment in self._sparse):
                table.move(index)
                moved += table.size(index)
        return moved

    def _end(self) -> Progress:
        self._next = len(self._table.entries)
        trim()
        return Progress.DONE

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
