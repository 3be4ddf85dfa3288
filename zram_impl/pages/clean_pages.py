"""A bounded cache of written-back pages that were read, and the guess that a read continues an earlier one.

A page is kept with the entry that it was read for. The entry is made anew for every commit, so as long as the slot has
that very entry, the page is what the block holds: a read that finds it needs no block, no lock and no look at the slot
afterwards. A page whose slot has changed is passed over, and falls out in its turn.

Off unless asked for: the driver reads the backing device each time, which its statistics show.
"""

from collections import deque
from collections.abc import Mapping
from typing import Final

from zram_impl.forking import made_anew
from zram_impl.runtime import Rank, Runtime
from zram_impl.table.slot_table import Backed
from zram_impl.units import PAGE_SIZE

BOOKKEEPING: Final = 200
"""Bytes that a kept page takes besides its content."""
_STREAMS: Final = 4
"""Sequential reads that are followed at a time."""


class CleanPage:
    """A page that was read back.

    Attributes:
        entry: What the slot was.
        page: Its content.
        used: How often it was asked for. More than once spares it one eviction, so that pages which are read in order,
            each once, do not drive out those that are read again and again.
    """

    __slots__ = ("entry", "page", "used")

    def __init__(self, entry: Backed, page: bytes) -> None:
        self.entry: Backed = entry
        self.page: bytes = page
        self.used: int = 0


class CleanPages:
    """Pages by their index; the oldest one that was not asked for again goes first (the clock algorithm).

    Attributes:
        capacity: Pages kept at most.
        ahead: Pages read at once where a read continues an earlier one; 1 is no more than asked for.
    """

    def __init__(self, runtime: Runtime, capacity: int, ahead: int) -> None:
        self.capacity: Final = capacity
        self.ahead: Final = ahead
        # Guards what is kept and the order of eviction; a look for a page takes no lock.
        self._lock = runtime.lock("clean pages", Rank.ENGINE)
        self._kept: dict[int, CleanPage] = {}
        self._order: deque[int] = deque()
        """Indexes of kept pages, the next to go first; some perhaps twice, or gone."""
        self._expected: tuple[int, ...] = ()
        """Where reads would continue the latest ones."""

    def get(self, index: int, entry: Backed) -> bytes | None:
        """Return the page that a slot with this entry has; None if it is not kept."""
        found = self._kept.get(index)
        if found is None or found.entry is not entry:
            return None
        found.used += 1
        return found.page

    def continues(self, index: int) -> bool:
        """Return whether a read of a page that is not kept continues an earlier one, pages passed over or not."""
        return any(0 <= index - expected < self.ahead for expected in self._expected)

    def expect(self, index: int, end: int) -> None:
        """Note that pages `index` to `end`, excluded, were read: a read from `end`, or soon after, continues that."""
        others = [each for each in self._expected if not 0 <= index - each < self.ahead]
        self._expected = (end, *others[: _STREAMS - 1])

    def keep(self, pages: Mapping[int, tuple[Backed, bytes]], *, asked_for: int) -> None:
        """Keep pages, by their indexes, each with its entry; one of them was asked for, the others may be."""
        with self._lock:
            self._keep(pages, asked_for)

    def _keep(self, pages: Mapping[int, tuple[Backed, bytes]], asked_for: int) -> None:
        # An exception of a signal handler may land anywhere here: an index in the order without a page is harmless, a
        # page without an index in the order would stay for ever.
        kept, order = self._kept, self._order
        for index, (entry, page) in pages.items():
            order.append(index)
            kept[index] = CleanPage(entry, page)
        if (asked := kept.get(asked_for)) is not None:
            asked.used += 1
        while len(kept) > self.capacity:
            oldest = order[0]
            there = kept.get(oldest)
            if there is not None and there.used > 1:
                there.used = 1
                order.append(oldest)
            else:
                kept.pop(oldest, None)
            order.popleft()

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return len(self._kept) * (PAGE_SIZE + BOOKKEEPING)

    def after_fork(self) -> None:
        """Be a forked child's: nobody holds the lock."""
        made_anew(self._lock)
