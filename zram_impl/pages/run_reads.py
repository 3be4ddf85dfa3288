"""Reads of written-back pages that lie side by side on the backing device, in one transfer.

As for a single page no lock is held, so each page counts only if its slot still has the very same entry afterwards, and
its block is what was written. The caller reads any other page by itself, which says what is wrong with it.
"""

import zlib
from collections.abc import Mapping, Sequence
from errno import EIO
from operator import itemgetter
from typing import Final

from zram_impl.bdev.device import BackingDevice
from zram_impl.compression.compressors import Comps
from zram_impl.errors import ZramError, refuse
from zram_impl.pages.backing_reads import RUN_MOST, BackingReads, WasResetError
from zram_impl.pages.clean_pages import CleanPages
from zram_impl.shield import raised_by_handler
from zram_impl.table.shared import Shared
from zram_impl.table.slot_table import Backed
from zram_impl.units import BlkIdx

_SEVERAL: Final = 2
"""Pages that are worth being read together."""
_GAP: Final = 8
"""Blocks of others that are read along with what is read ahead: cheaper than another transfer."""

_REACH: Final = (RUN_MOST - 1) // 2
"""Blocks on either side that are read with one at most."""


class RunReads:
    """Reads runs of the pages of one device."""

    def __init__(self, shared: Shared, comps: Comps, backing: BackingDevice | None, reads: BackingReads) -> None:
        self._table = shared.table
        self._compressed = shared.compressed
        self._comps = comps
        self._backing = backing
        self._reads = reads

    def among(self, index: int, end: int, ahead: dict[int, bytes]) -> bytes | None:
        """Return page `index` if it was, or is now, read along with others before `end`; `ahead` keeps all of these."""
        if index not in ahead:
            ahead |= self.several(index, end)
        return ahead.get(index)

    def several(self, index: int, end: int) -> Mapping[int, bytes]:
        """Read page `index` and those before `end` on the blocks beside it, if there are any; return them by index."""
        group = self._group(index, end, 0)
        if len(group) < _SEVERAL:
            return {}
        return {at: page for at, (_entry, page) in self._read(group).items()}

    def ahead(self, clean: CleanPages, index: int) -> bytes | None:
        """Read a page, and those after it on blocks nearby, if it continues an earlier read, and keep them all.

        Returns:
            The page; None if it has to be read by itself.
        """
        group = self._group(index, index + clean.ahead, _GAP) if clean.ahead > 1 and clean.continues(index) else []
        pages = self._read(group) if len(group) >= _SEVERAL else {}
        end = index + 1
        while end in pages:
            end += 1
        clean.expect(index, end)
        if pages:
            clean.keep(pages, asked_for=index)
        return pages[index][1] if index in pages else None

    def _group(self, index: int, end: int, gap: int) -> list[tuple[int, int, Backed]]:
        """Return block, index and entry of page `index` and of those before `end` whose blocks are beside its block.

        At most `gap` blocks of others lie between two of them. Race with writers: each entry is looked at again once
        its block was read.
        """
        entries = self._table.entries[index:end]
        found = [(entry, at) for at, entry in enumerate(entries, index) if type(entry) is Backed]
        found.sort(key=itemgetter(0))  # by their blocks, which entries begin with
        here = next((place for place, (_entry, at) in enumerate(found) if at == index), None)
        if here is None:
            return []
        mine = found[here][0].blk_idx
        first, edge = here, mine
        while first > 0:
            blk = found[first - 1][0].blk_idx
            if edge - blk > gap + 1 or mine - blk > _REACH:
                break
            first, edge = first - 1, blk
        end, edge = here + 1, mine
        while end < len(found):
            blk = found[end][0].blk_idx
            if blk - edge > gap + 1 or blk - mine > _REACH:
                break
            end, edge = end + 1, blk
        return [(entry.blk_idx, at, entry) for entry, at in found[first:end]]

    def _read(self, group: Sequence[tuple[int, int, Backed]]) -> dict[int, tuple[Backed, bytes]]:
        """Read the blocks of a group, and those between them; return entry and page by index, if it is sound."""
        assert self._backing is not None, "a written-back slot has a backing device"
        start = group[0][0]
        try:
            data = self._reads.read_run(self._backing, BlkIdx(start), [blk - start for blk, _at, _entry in group])
        except WasResetError:
            raise
        except OSError as error:
            if raised_by_handler(error):  # no answer of the device
                raise
            return {}
        entries, plain, found = self._table.entries, not self._compressed, dict[int, tuple[Backed, bytes]]()
        for (_blk, at, entry), block in zip(group, data, strict=True):
            # Race with writers and passes: looked at after the device answered.
            if entries[at] is entry:
                sound = plain and zlib.crc32(block) == entry.checksum
                page = block if sound else self._sound(at, entry, block)
                if page is not None:
                    found[at] = entry, page
        return found

    def page_of(self, index: int, entry: Backed, block: bytes) -> bytes:
        """Return the page that the block of a slot holds; EIO when it is not what was written."""
        assert self._backing is not None, "a written-back slot has a backing device"
        if zlib.crc32(block) != entry.checksum:
            raise refuse(EIO, f"page {index}: block {entry.blk_idx} of {self._backing.name} is not what was written")
        return self._comps.unpack(block, entry.size, entry.priority) if self._compressed else block

    def _sound(self, index: int, entry: Backed, block: bytes) -> bytes | None:
        try:
            return self.page_of(index, entry, block)
        except ZramError:
            return None
