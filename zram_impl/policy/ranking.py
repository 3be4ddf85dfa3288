"""The pages in memory in the order in which they are written back: not used for longest first, of these the largest.

Ranking them takes a look at the whole table, so it is done once for many rounds: a page that was used since has another
tick by then and is passed over, and a page that was stored since is younger than all that are ranked.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from zram_impl.decisions import Mode
from zram_impl.pages.page_io import Pages
from zram_impl.parsing.writeback_args import Scan
from zram_impl.table.entries import IN_MEMORY, size_of
from zram_impl.table.slot_table import IDLE, OWNED
from zram_impl.units import PAGE_SIZE

STEP: Final = 512
"""Slots looked at in one hold of the table lock."""
_INDEX_BITS: Final = 48
_CLASS: Final = 1024
"""Bytes within which objects count as of one size: of these neighbours go together, which makes reading them cheap."""
_CLASS_BITS: Final = 2
assert PAGE_SIZE // _CLASS <= 1 << _CLASS_BITS, "an object is not empty, so its class has a number that fits"
_INDEX: Final = (1 << _INDEX_BITS) - 1


class Ranking:
    """The pages of a device by their coldness; used by one task."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._ranked: list[int] = []
        """Tick, class of size and index in one number each; the coldest last."""

    def take(self, free: int, most: int, *, idle_only: bool) -> tuple[list[Scan], int]:
        """Take the coldest pages that have `free` bytes together, `most` at most; return scans for them, and the bytes.

        A page that is marked idle is selected by its mark, which an access until then takes off.
        """
        taken: list[tuple[int, bool]] = []
        found = 0
        for ranked_anew in (False, True):
            if ranked_anew and not taken:
                self._rank()
            while self._ranked and found < free and len(taken) < most:
                piece = self._ranked[: -min(STEP, most - len(taken)) - 1 : -1]
                looked, found = self._still_cold(piece, taken, found, free, idle_only=idle_only)
                del self._ranked[-looked:]
        idle, young = (runs(index for index, marked in taken if marked is which) for which in (True, False))
        scans = [Scan(Mode.IDLE, *run) for run in idle] + [Scan(Mode.PAGES, *run) for run in young]
        return sorted(scans, key=lambda scan: scan.lo), found

    def forget(self) -> None:
        """Rank anew next time: pages that were taken are not written back, and are as cold as they were."""
        self._ranked = []

    def _still_cold(
        self, piece: list[int], taken: list[tuple[int, bool]], found: int, free: int, *, idle_only: bool
    ) -> tuple[int, int]:
        """Take those of some that were not used since; return how many were looked at, and the bytes found so far."""
        with self._pages.shared.lock:
            return self._look(piece, taken, found, free, IDLE | OWNED if idle_only else OWNED)

    def _look(
        self, piece: list[int], taken: list[tuple[int, bool]], found: int, free: int, mask: int
    ) -> tuple[int, int]:
        entries, flags, ticks = self._pages.table.entries, self._pages.table.flags, self._pages.times.ticks
        for looked, ranked in enumerate(piece, start=1):
            index = ranked & _INDEX
            entry = entries[index]
            # Race with users: a page that was used, written or freed since it was ranked has another tick, or nothing
            # in memory. One that is used after this look is selected all the same, unless it was to be by its mark.
            if (
                isinstance(entry, IN_MEMORY)
                and ticks[index] == ranked >> _INDEX_BITS + _CLASS_BITS
                and flags[index] & mask == mask & IDLE
            ):
                taken.append((index, bool(flags[index] & IDLE)))
                found += size_of(entry)
                if found >= free:
                    return looked, found
        return len(piece), found

    def _rank(self) -> None:
        pages = self._pages
        ranked: list[int] = []
        for first in range(0, pages.pages, STEP):
            with pages.shared.lock:
                ranked.extend(self._in_memory(range(first, min(first + STEP, pages.pages))))
        ranked.sort(reverse=True)
        self._ranked = ranked

    def _in_memory(self, indexes: range) -> Iterator[int]:
        entries, ticks = self._pages.table.entries, self._pages.times.ticks
        for index in indexes:
            entry = entries[index]
            if isinstance(entry, IN_MEMORY):
                spare = PAGE_SIZE - size_of(entry)
                yield (ticks[index] << _CLASS_BITS | spare // _CLASS) << _INDEX_BITS | index


def runs(indexes: Iterable[int]) -> list[tuple[int, int]]:
    """Return the runs of neighbours among page numbers, each as its first and the one after its last."""
    found: list[tuple[int, int]] = []
    for index in sorted(indexes):
        if found and found[-1][1] == index:
            found[-1] = found[-1][0], index + 1
        else:
            found.append((index, index + 1))
    return found
