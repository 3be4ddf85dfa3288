"""Reads of written-back pages that lie side by side on the backing device, in one transfer.

As for a single page no lock is held, so each page counts only if its slot still has the very same entry afterwards, and
its block is what was written. The caller reads any other page by itself, which says what is wrong with it.
"""

import zlib
from collections.abc import Callable
from errno import EIO
from functools import partial
from typing import Final

from zram_impl.bdev.device import BackingDevice
from zram_impl.compression.compressors import Comps
from zram_impl.errors import ZramError, refuse
from zram_impl.pages.backing_reads import RUN_MOST, BackingReads, WasResetError
from zram_impl.pages.clean_pages import CleanPage, CleanPages
from zram_impl.pages.group import PLACE, PLACE_BITS, SEVERAL, Group, grouped
from zram_impl.pages.read_ahead import GroupRead, ReadAhead
from zram_impl.shield import raised_by_handler
from zram_impl.table.entries import CHECKSUM_MASK, CHECKSUM_SHIFT, Backed
from zram_impl.table.shared import Shared
from zram_impl.units import PAGE_SIZE

_GAP: Final = 32
"""Blocks of others that are read along with what is read ahead: cheaper than another transfer."""
_GAP_TOGETHER: Final = 4
"""The same where transfers are under way at a time."""


class BulkRead:
    """A buffer of whole pages that is being filled.

    Attributes:
        start: The page at which it begins.
        end: The page after its last.
        filled: Those that were read together with others.
        looked: The page up to which such ones were looked for.
    """

    __slots__ = ("_buffer", "end", "filled", "looked", "start")

    def __init__(self, buffer: memoryview, start: int) -> None:
        self._buffer = buffer
        self.start: int = start
        self.end: int = start + len(buffer) // PAGE_SIZE
        self.filled: set[int] = set()
        self.looked: int = start

    def take(self, index: int, page: bytes | memoryview) -> None:
        """Put a page where it belongs."""
        at = (index - self.start) * PAGE_SIZE
        self._buffer[at : at + PAGE_SIZE] = page
        self.filled.add(index)


class RunReads:
    """Reads runs of the pages of one device."""

    def __init__(self, shared: Shared, comps: Comps, backing: BackingDevice | None, reads: BackingReads) -> None:
        self._table = shared.table
        self._compressed = shared.compressed
        self._comps = comps
        self._backing = backing
        self._reads = reads

    def fill(self, bulk: BulkRead, index: int) -> bool:
        """Read page `index`, with those after it that lie side by side; return False if it is to be read by itself."""
        if index >= bulk.looked:
            bulk.looked = min(index + RUN_MOST, bulk.end)
            for group in grouped(index, self._table.entries[index : bulk.looked], 0, RUN_MOST):
                with self._reads.lent(group.blocks) as memory:
                    self._read(group, memory, partial(self._fill, bulk, group, memory))
        return index in bulk.filled

    def kept(self, clean: CleanPages, index: int, entry: Backed) -> bytes | None:
        """Return a page that is kept, or read it and those after it if that continues an earlier read; keep them all.

        Returns:
            The page; None if it has to be read by itself.
        """
        if (page := clean.get(index, entry)) is not None:
            return page
        if (ahead := self._reads.ahead) is not None and ahead.usable:
            return self._reads.reading(partial(self._flown, ahead, clean, index, entry))
        size = clean.window(index)
        clean.expect(index, size)
        if size < SEVERAL:
            return None
        for group in grouped(index, self._table.entries[index : index + size], _GAP, min(clean.most, RUN_MOST)):
            lease = clean.lease(group.blocks, clean.most)
            if lease is not None:
                with clean.memory(lease) as memory:
                    self._read(group, memory, partial(self._keep, clean, group, memory, lease.first))
        # If the slot has changed since, what is kept by now is another entry's.
        return clean.get(index, entry)

    def _flown(self, ahead: ReadAhead, clean: CleanPages, index: int, entry: Backed) -> bytes | None:
        """Return a page that is on its way, or that is asked for with those after it; ask for what follows them."""
        flight = ahead.of(index, clean)
        if flight is None:
            size = min(clean.window(index), clean.portion)
            clean.expect(index, size)
            if size < SEVERAL:
                return None
            self._begin(ahead, clean, index, size, index)
            flight = ahead.of(index, clean)
        following = clean.entered(index)
        if following is not None:
            if flight is not None:
                ahead.passed(flight.group.base - 2 * clean.portion, flight.group.base)
            self._begin(ahead, clean, *following, index if flight is None else flight.group.base)
        if flight is not None:
            self._reads.count(ahead.land(flight, self._land))
        return clean.get(index, entry)

    def _begin(self, ahead: ReadAhead, clean: CleanPages, index: int, size: int, present: int) -> None:
        window = clean.missing(index, self._table.entries[index : index + size])
        ahead.begin(clean, list(grouped(index, window, _GAP_TOGETHER, min(clean.turn, RUN_MOST), 1)), present)

    def _land(self, flight: GroupRead) -> None:
        """Keep the pages of a flight, where they are."""
        with flight.memory() as memory:
            self._keep(flight.clean, flight.group, memory, flight.first)

    def _fill(self, bulk: BulkRead, group: Group, memory: memoryview) -> None:
        for index, entry, place in self._sound_of(group, memory, 0):
            block = memory[place * PAGE_SIZE : (place + 1) * PAGE_SIZE]
            page = self._unpacked(index, entry, block) if self._compressed else block
            if page is not None:
                bulk.take(index, page)

    def _keep(self, clean: CleanPages, group: Group, memory: memoryview, first: int) -> None:
        sound = self._sound_of(group, memory, first)
        if not self._compressed:
            clean.keep_leased(sound)
            return
        for index, entry, place in sound:
            page = self._unpacked(index, entry, memory[(place - first) * PAGE_SIZE : (place - first + 1) * PAGE_SIZE])
            if page is not None:
                clean.keep(index, entry, page, 0)

    def _read(self, group: Group, memory: memoryview, take: Callable[[], None]) -> None:
        """Read the blocks of a group, and those between them, into memory; `take` gets them from there."""
        assert self._backing is not None, "a written-back slot has a backing device"
        try:
            self._reads.read_run(self._backing, group.blk_idx, memory, take)
        except WasResetError:
            raise
        except OSError as error:
            if raised_by_handler(error):  # no answer of the device
                raise

    def _sound_of(self, group: Group, memory: memoryview, first: int) -> list[CleanPage]:
        """Return the pages of a group that are what was written, with their places; `memory` begins at `first`."""
        entries, crc32, sound = self._table.entries, zlib.crc32, list[CleanPage]()
        base, window, start = group.base, group.window, group.blk_idx
        for member in group.members:
            place, at = member & PLACE, (member >> PLACE_BITS) - start
            entry = window[place]
            # Race with writers and passes: each entry is looked at again after the device answered.
            if (
                type(entry) is Backed
                and entries[base + place] is entry
                and crc32(memory[at * PAGE_SIZE : (at + 1) * PAGE_SIZE]) == entry >> CHECKSUM_SHIFT & CHECKSUM_MASK
            ):
                sound.append((base + place, entry, first + at))
        return sound

    def page_of(self, index: int, entry: Backed, block: bytes) -> bytes:
        """Return the page that the block of a slot holds; EIO when it is not what was written."""
        assert self._backing is not None, "a written-back slot has a backing device"
        if zlib.crc32(block) != entry.checksum:
            raise refuse(EIO, f"page {index}: block {entry.blk_idx} of {self._backing.name} is not what was written")
        return self._comps.unpack(block, entry.size, entry.priority) if self._compressed else block

    def _unpacked(self, index: int, entry: Backed, block: memoryview) -> bytes | None:
        try:
            return self.page_of(index, entry, bytes(block))
        except ZramError:
            return None
