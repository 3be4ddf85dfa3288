"""Which pages a pass selects, in the order the driver looks at them."""

from collections import deque
from collections.abc import Sequence
from typing import Final, cast

from zram_impl import decisions
from zram_impl.parsing.writeback_args import Scan
from zram_impl.table.slot_table import IDLE, IN_MEMORY, INCOMPRESSIBLE, OWNED, SlotTable, size_of
from zram_impl.units import PAGE_SIZE, SlotIndex

LOOK_AHEAD: Final = 1024
"""Slots looked at in one hold of the table lock, so that a scan of a large table does not stop the users."""


# For each mode, whether a page in memory is wanted, by its flags IDLE and INCOMPRESSIBLE and the bit below for huge.
_HUGE: Final = 0x02
_WANTED: Final = {
    mode: tuple(
        decisions.selects(mode, bits & _HUGE and 1, bits & IDLE, bits & INCOMPRESSIBLE and 1)
        for bits in range((IDLE | _HUGE | INCOMPRESSIBLE) + 1)
    )
    for mode in decisions.Mode
}
assert not _HUGE & (IDLE | INCOMPRESSIBLE), "a bit of its own"


class Cursor:
    """Where a pass is in its scans. Every method needs the table lock."""

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
        entries, flags = table.entries, table.flags
        wants, owned = _WANTED[mode], self._owned_mask
        before, end = len(found), indexes.stop
        # Cast: a call for each, which does nothing, would cost as much as the rest of the loop.
        for index in cast("Sequence[SlotIndex]", indexes):
            entry = entries[index]
            if type(entry) is bytes:  # nearly all of them
                size = len(entry)
            elif isinstance(entry, IN_MEMORY):
                size = size_of(entry)
            else:
                continue
            flag = flags[index]
            if not flag & owned and wants[flag & (IDLE | INCOMPRESSIBLE) | (_HUGE if size == PAGE_SIZE else 0)]:
                found.append((index, size))
                if len(found) == wanted:
                    end = index + 1
                    break
        table.claim(found[before:])
        return end
