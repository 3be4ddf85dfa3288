"""The pages that a pass selects, in the order the driver looks at them."""

from collections import deque
from collections.abc import Sequence
from functools import cache
from typing import Final, cast

from zram_impl import decisions
from zram_impl.parsing.writeback_args import Scan
from zram_impl.table.entries import IN_MEMORY, Entry, size_of
from zram_impl.table.slot_table import IDLE, INCOMPRESSIBLE, OWNED, SlotTable
from zram_impl.units import PAGE_SIZE, SlotIndex

LOOK_AHEAD: Final = 1024
"""Slots looked at in one hold of the table lock, so that a scan of a large table does not stop the users."""


@cache
def _wanted(mode: decisions.Mode, huge: int, owned_mask: int) -> bytes:
    """Return for each value of a slot's flags whether a page in memory is wanted; those of `owned_mask` rule it out."""
    return bytes(
        not flags & owned_mask and decisions.selects(mode, huge, flags & IDLE, flags & INCOMPRESSIBLE and 1)
        for flags in range(256)
    )


class Cursor:
    """Position of a pass in its scans. Every method needs the table lock."""

    def __init__(self, scans: Sequence[Scan], *, queue_twice: bool) -> None:
        self._scans = deque(scan for scan in scans if scan.lo < scan.hi)
        self._next = self._scans[0].lo if self._scans else 0
        """The slot of the first of `_scans` to look at next."""
        self._owned_mask = 0 if queue_twice else OWNED

    @property
    def exhausted(self) -> bool:
        """True once every slot was looked at."""
        return not self._scans

    def select(self, table: SlotTable, wanted: int) -> list[tuple[SlotIndex, int]]:
        """Claim up to `wanted` of the next LOOK_AHEAD slots; return index and object size of each.

        A slot whose pp_slot still has an owner is passed over: claiming it again would write it twice.
        """
        found: list[tuple[SlotIndex, int]] = []
        left = LOOK_AHEAD
        while self._scans and left and len(found) < wanted:
            scan, began = self._scans[0], self._next
            self._next = self._look(table, scan.mode, range(began, min(scan.hi, began + left)), found, wanted)
            left -= self._next - began
            if self._next == scan.hi:
                self._scans.popleft()
                self._next = self._scans[0].lo if self._scans else 0
        return found

    def _look(
        self, table: SlotTable, mode: decisions.Mode, indexes: range, found: list[tuple[SlotIndex, int]], wanted: int
    ) -> int:
        """Claim what is wanted of `indexes` until enough are found; return the index to continue at."""
        small, huge = _wanted(mode, 0, self._owned_mask), _wanted(mode, 1, self._owned_mask)
        first, end = indexes.start, indexes.stop
        # One expression, as it is done for every slot of the device. Cast: a call for each, which does nothing, would
        # cost as much as the rest.
        new = [
            (index, size)
            for index, entry, flag in zip(
                cast("Sequence[SlotIndex]", indexes), table.entries[first:end], table.flags[first:end], strict=True
            )
            if entry is not None
            and (size := len(entry) if type(entry) is bytes else _size_in_memory(entry))
            and (huge if size == PAGE_SIZE else small)[flag]
        ]
        if len(new) >= wanted - len(found):
            del new[wanted - len(found) :]
            end = new[-1][0] + 1
        table.claim(new)
        found += new
        return end


def _size_in_memory(entry: Entry) -> int:
    """Return the size of the object of a slot, 0 if none is in memory."""
    return size_of(entry) if isinstance(entry, IN_MEMORY) else 0
