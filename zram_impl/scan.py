"""Which pages a pass selects, in the order the driver looks at them."""

from collections.abc import Iterator, Sequence
from typing import Final

from zram_impl import decide
from zram_impl.decide import Mode
from zram_impl.entries import IDLE, INCOMPRESSIBLE, OWNED, PP_SLOT, SlotTable
from zram_impl.grammar import Scan
from zram_impl.units import PAGE_SIZE, SlotIndex

LOOK_AHEAD: Final = 1024
"""Slots looked at in one hold of the table lock, so that a scan of a large table does not stop the users."""


class Cursor:
    """Where a pass is in its scans. Every method needs the table lock."""

    def __init__(self, scans: Sequence[Scan], *, queue_twice: bool) -> None:
        self._indexes = self._walk(scans)
        self._owned_mask = 0 if queue_twice else OWNED
        self.exhausted = False

    @staticmethod
    def _walk(scans: Sequence[Scan]) -> Iterator[tuple[Mode, int]]:
        for scan in scans:
            for index in range(scan.lo, scan.hi):
                yield scan.mode, index

    def select(self, table: SlotTable, wanted: int) -> list[tuple[SlotIndex, int]]:
        """Claim up to `wanted` of the next LOOK_AHEAD slots; return index and object size of each.

        A slot whose pp_slot still has an owner is passed over: claiming it again would write it twice.
        """
        entries, flags = table.entries, table.flags
        found: list[tuple[SlotIndex, int]] = []
        for _ in range(LOOK_AHEAD):
            if len(found) == wanted:
                return found
            mode, index = next(self._indexes, (Mode.PAGES, -1))
            if index < 0:
                self.exhausted = True
                return found
            entry = entries[index]
            if type(entry) is not bytes or flags[index] & self._owned_mask:
                continue
            size, flag = len(entry), flags[index]
            if decide.selects(mode, size == PAGE_SIZE, flag & IDLE, flag & INCOMPRESSIBLE and 1):
                flags[index] = flag | PP_SLOT | OWNED
                found.append((SlotIndex(index), size))
        return found
