"""The slot table: what each page of the device is at the moment, one entry a page; `entries` says what there is.

A reader needs no lock: it takes the reference to an entry and has a consistent page. What is cleared by an access
(idle mark, claim) is in `flags`. Everything but the lock-free look at `entries[i]` and `flags[i]` needs the table lock.

Kernel: struct zram_table_entry, zram_slot_free(), zram_can_store_page().
"""

from collections.abc import Iterable, Sequence
from errno import ENOMEM
from itertools import accumulate
from operator import sub
from typing import Final, cast

from zram_impl.errors import refuse
from zram_impl.table.block_map import FREE, USED, NextFit
from zram_impl.table.entries import (
    BLOCK_SHIFT,
    CHECKSUM_SHIFT,
    IN_MEMORY,
    Backed,
    Entry,
    Recompressed,
    Stored,
    of_priority,
    priority_of,
    size_of,
)
from zram_impl.table.moved import Moved, moved_priority, moved_size, moved_to, offset_of, segment_of
from zram_impl.table.segments import Segments
from zram_impl.table.uncollected import uncollected
from zram_impl.units import PAGE_SHIFT, PAGE_SIZE, BlkIdx

IDLE: Final = 0x01
"""One bit that is 1: `SlotTable.mark_idle` compares it with a bool."""
PP_SLOT: Final = 0x02
"""The claim of the running pass: the content is what it was when the scan selected it."""
INCOMPRESSIBLE: Final = 0x04
OWNED: Final = 0x08
"""A pp_slot exists for the slot, in a bucket or with a request. Unlike the claim, nothing but its release ends it."""
_UNCLAIMED: Final = bytes(flags & ~(PP_SLOT | OWNED) & 0xFF for flags in range(256))
"""Flags without those of a pass."""
_UNCLAIMED_MASK: Final = ~(PP_SLOT | OWNED) & 0xFF
_OF_A_NEW_ENTRY: Final = bytes(flags & OWNED for flags in range(256))
"""Flags of a slot whose content was replaced."""
_CLAIMED: Final = bytes(flags | PP_SLOT | OWNED for flags in range(256))
"""Flags of a slot that a pass has claimed."""
ACCESS: Final = IDLE | PP_SLOT
"""The flags that an access takes off."""

NO_LIMIT: Final = 1 << 64
"""A limit that no table reaches."""


def limit_of(pages: int) -> int:
    """Return a limit of so many pages in bytes; 0 is no limit."""
    return pages << PAGE_SHIFT if pages else NO_LIMIT


class SlotTable:
    """Entries, flags and the statistics that follow from them.

    Attributes:
        entries: One per page.
        flags: One byte per page: IDLE, PP_SLOT, INCOMPRESSIBLE, OWNED.
        limit: The most bytes that objects may have together, the driver's mem_limit.
        pages_stored: Entries that are not None.
        same_pages: Same-filled ones.
        huge_pages: Huge ones in memory; `huge_pages_since` counts every one there ever was.
        compr_data_size: Bytes of the stored ones; `compr_data_max` is the most there ever were.
        peak: The most bytes of stored ones there were since the last compaction, as of the last time one was freed.
        segments: Where compaction has moved objects to.
        blocks: Of the backing device; a written-back slot owns one.
        pages_compacted: Whole pages of holes that compaction has closed.
    """

    __slots__ = (
        "blocks", "compr_data_max", "compr_data_size", "entries", "flags", "huge_pages", "huge_pages_since", "limit",
        "pages_compacted", "pages_stored", "peak", "same_pages", "segments",
    )  # fmt: skip

    def __init__(self, pages: int, *, limit: int = NO_LIMIT, blocks: NextFit | None = None) -> None:
        self.blocks: NextFit = NextFit(0) if blocks is None else blocks
        self.entries: list[Entry] = uncollected([None] * pages)
        self.flags: bytearray = bytearray(pages)
        self.limit: int = limit
        self.pages_stored: int = 0
        self.same_pages: int = 0
        self.huge_pages: int = 0
        self.huge_pages_since: int = 0
        self.compr_data_size: int = 0
        self.compr_data_max: int = 0
        self.peak: int = 0
        self.pages_compacted: int = 0
        self.segments: Segments = Segments()

    def replace(self, index: int, entry: Entry) -> None:  # noqa: C901, PLR0912, PLR0915  (each kind of entry, old and new)
        """Replace the content of a slot; what the old content had is free: memory, or a block.

        The claim and all marks are gone; a pp_slot keeps its owner.

        Raises:
            ZramError: ENOMEM when the new object does not fit beside the old one; nothing has changed then.
        """
        entries, flags, used, size, gone = self.entries, self.flags, self.compr_data_size, 0, 0
        old = entries[index]
        # An object in the place of another, which is what most writes are: the same as below in a third less time.
        if type(entry) is bytes and type(old) is bytes and (more := used + (size := len(entry))) <= self.limit:
            gone = len(old)
            entries[index] = entry
            if flags[index]:
                flags[index] &= OWNED
            if used > self.peak:  # noqa: PLR1730  (no call)
                self.peak = used
            used = more - gone
            if used > self.compr_data_max:  # noqa: PLR1730  (no call)
                self.compr_data_max = used
            if gone == PAGE_SIZE:
                self.huge_pages -= 1
            if size == PAGE_SIZE:
                self.huge_pages += 1
                self.huge_pages_since += 1
            self.compr_data_size = used
            return
        segments: Segments | None = None
        blocks: NextFit | None = None
        segment = block = 0
        if isinstance(entry, bytes):
            size = len(entry)
            # The old object is there until the new one is, so both have to fit.
            if used + size > self.limit:
                raise refuse(ENOMEM, f"{size} bytes more than {used} exceed mem_limit {self.limit}")
        if type(old) is bytes or isinstance(old, Recompressed):
            gone = len(old)
        elif type(old) is Backed:
            blocks, block = self.blocks, old.blk_idx
            assert blocks.map[block] == USED, f"every block has one owner: block {block} is released twice"
        elif type(old) is Moved:
            segments, segment, gone = self.segments, segment_of(old), moved_size(old)
        # From here to the end there is no call and no loop, so what a signal handler raises lands before or after all
        # of it: this may be the main thread.
        entries[index] = entry
        if flags[index]:
            flags[index] &= OWNED
        if gone:
            if used > self.peak:  # noqa: PLR1730  (no call)
                self.peak = used
            used -= gone
            if gone == PAGE_SIZE:
                self.huge_pages -= 1
            if segments is not None:
                # As `Segments.forget`.
                segments.live -= gone
                segments.live_in[segment] -= gone
                if not segments.live_in[segment] and segment != segments.filling:
                    del segments.maps[segment], segments.live_in[segment]
        elif old is None:
            self.pages_stored += 1
        elif blocks is not None:
            # As `NextFit.release`.
            blocks.map[block] = FREE
            blocks.used -= 1
        else:
            self.same_pages -= 1
        if size:
            used += size
            if used > self.compr_data_max:  # noqa: PLR1730  (no call)
                self.compr_data_max = used
            if size == PAGE_SIZE:
                self.huge_pages += 1
                self.huge_pages_since += 1
        elif entry is None:
            self.pages_stored -= 1
        else:
            self.same_pages += 1
        self.compr_data_size = used

    def replace_objects(self, index: int, entries: Sequence[Entry]) -> bool:
        """Replace the plain objects from `index` on by others in one step; as `replace` of each, in less time.

        Returns:
            False, and nothing has changed, when anything else is there or comes, or when memory may not suffice.
        """
        stretch = slice(index, index + len(entries))
        new, old = cast("Sequence[bytes]", entries), cast("Sequence[bytes]", self.entries[stretch])  # if they are
        if {bytes} != set(map(type, new)) or {bytes} != set(map(type, old)):
            return False
        gone, sizes = list(map(len, old)), list(map(len, new))
        used = list(accumulate(map(sub, sizes, gone), initial=self.compr_data_size))  # before each, and at the end
        if max(used) + PAGE_SIZE > self.limit:
            return False
        flags = self.flags[stretch].translate(_OF_A_NEW_ENTRY)
        peak, most = max(self.peak, *used[:-1]), max(self.compr_data_max, *used[1:])
        new_huge, gone_huge = sizes.count(PAGE_SIZE), gone.count(PAGE_SIZE)
        # From here to the end there is no call, as in `replace`.
        self.entries[stretch], self.flags[stretch] = new, flags
        self.peak, self.compr_data_max, self.compr_data_size = peak, most, used[-1]
        self.huge_pages += new_huge - gone_huge
        self.huge_pages_since += new_huge
        return True

    def commit(self, written: Iterable[tuple[int, BlkIdx, int]]) -> None:
        """Turn stored slots into written-back ones; the memory of their objects is free.

        Args:
            written: Index, the block that the slot owns from now on, and the checksum of that block.
        """
        entries, flags, forget = self.entries, self.flags, self._forget_object
        plain, huge, unmarked = 0, 0, ~IDLE & 0xFF
        for index, blk_idx, checksum in written:
            old = entries[index]
            if type(old) is bytes:  # nearly all of them: as below, without a call
                size = len(old)
                entries[index] = Backed(blk_idx << BLOCK_SHIFT | checksum << CHECKSUM_SHIFT | size)
                plain += size
                huge += size == PAGE_SIZE
            else:
                assert isinstance(old, IN_MEMORY), (
                    f"only a stored slot is written back: slot {index} is {type(old).__name__}"
                )
                entries[index] = Backed.at(blk_idx, size_of(old), checksum, priority_of(old))
                forget(old)
            flags[index] &= unmarked
        self.peak = max(self.peak, self.compr_data_size)
        self.compr_data_size -= plain
        self.huge_pages -= huge

    def recompress(self, index: int, entry: Recompressed) -> None:
        """Replace a stored slot's object by a smaller one of the same page; all marks but the pp_slot are gone."""
        old = self.entries[index]
        assert isinstance(old, IN_MEMORY), f"only a stored slot is recompressed: slot {index} is {type(old).__name__}"
        self.entries[index] = entry
        self.flags[index] &= OWNED
        self._forget_object(old)
        self.compr_data_size += len(entry)

    def size(self, index: int) -> int:
        """Return the size of a stored slot's object in bytes."""
        entry = self.entries[index]
        assert isinstance(entry, IN_MEMORY), f"slot {index} is in memory: it is {type(entry).__name__}"
        return size_of(entry)

    def object(self, index: int) -> Stored:
        """Return a stored slot's object, wherever it lies, for as long as the caller wants it."""
        entry = self.entries[index]
        assert isinstance(entry, IN_MEMORY), f"slot {index} is in memory: it is {type(entry).__name__}"
        if isinstance(entry, bytes):
            return entry
        data = self.load(entry)
        assert data is not None, "a segment lives as long as an object in it is used"
        return data

    def load(self, entry: Moved) -> Stored | None:
        """Return the object a moved entry means, None if it has been replaced; needs no lock."""
        data = self.segments.load(segment_of(entry), offset_of(entry), moved_size(entry))
        return None if data is None else of_priority(data, moved_priority(entry))

    def move(self, index: int) -> None:
        """Move a stored slot's object to the segment that is being filled; nobody can tell but by its speed.

        Raises:
            OSError, MemoryError: There is no memory for another segment; nothing has changed.
        """
        old, data = self.entries[index], self.object(index)
        segment, offset = self.segments.store(data)
        self.entries[index] = moved_to(segment, offset, len(data), priority_of(data))
        if type(old) is Moved:
            self.segments.forget(segment_of(old), moved_size(old))

    @property
    def used(self) -> int:
        """Bytes that objects and the segments that hold some of them take."""
        return self.compr_data_size - self.segments.live + self.segments.held

    def _forget_object(self, old: Stored | Moved) -> None:
        used = self.compr_data_size
        if used > self.peak:  # noqa: PLR1730  (as above)
            self.peak = used
        if type(old) is Moved:
            self.segments.forget(segment_of(old), moved_size(old))
        size = size_of(old)
        self.compr_data_size = used - size
        if size == PAGE_SIZE:
            self.huge_pages -= 1

    def accessed(self, index: int, marks: int = ACCESS) -> None:
        """Note an access, which takes `marks` off: idle mark, claim of a pass (mark_slot_accessed())."""
        self.flags[index] &= ~marks

    def claim(self, found: Sequence[tuple[int, int]]) -> None:
        """Claim slots for the running pass, and begin their pp_slots (place_pp_slot()).

        Args:
            found: Index of each, ascending, and the size of its object.
        """
        flags = self.flags
        if found and found[-1][0] - found[0][0] == len(found) - 1:  # side by side: one step, where most are wanted
            stretch = slice(found[0][0], found[-1][0] + 1)
            flags[stretch] = flags[stretch].translate(_CLAIMED)
            return
        for index, _size in found:
            flags[index] |= PP_SLOT | OWNED

    def release_claim(self, index: int) -> None:
        """Take the claim off, if it is still there, and end the pp_slot (release_pp_slot())."""
        self.flags[index] &= _UNCLAIMED_MASK

    def forget_claims(self) -> None:
        """Take off all claims, in a forked child: the pass is its parent's."""
        self.flags[:] = self.flags.translate(_UNCLAIMED)

    def mark_idle(self, indexes: range, ticks: Sequence[int], young: int) -> list[int]:
        """Mark stored slots idle whose tick is below `young`, take the mark off others; return those that changed."""
        entries, flags, changed = self.entries, self.flags, list[int]()
        for index in indexes:
            if isinstance(entries[index], IN_MEMORY) and (ticks[index] < young) != flags[index] & IDLE:
                flags[index] ^= IDLE
                changed.append(index)
        return changed

    def clear_idle(self, index: int) -> None:
        """Take the idle mark off."""
        self.flags[index] &= ~IDLE

    def mark_incompressible(self, index: int) -> None:
        """Note that no configured algorithm makes a stored slot's object smaller."""
        self.flags[index] |= INCOMPRESSIBLE

    def reset_max(self) -> None:
        """Begin anew to note the most bytes of objects there were (mem_used_max)."""
        self.compr_data_max = self.compr_data_size
