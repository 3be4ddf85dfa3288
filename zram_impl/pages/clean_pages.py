"""A bounded cache of written-back pages that were read, and the guess that a read continues an earlier one.

A page is kept with the entry that it was read for. The entry is made anew for every commit, so as long as the slot has
that very entry, the page is what the block holds: a read that finds it needs no block, no lock and no look at the slot
afterwards. A page whose slot has changed is passed over, and falls out in its turn.

The pages lie in one piece of memory that is used round and round, and blocks that are read together arrive where they
stay: memory that is new to a process, and a copy, each cost as much as a transfer.

Off unless asked for: the driver reads the backing device each time, which its statistics show.
"""

import mmap
import weakref
from collections.abc import Sequence
from errno import ENOMEM
from typing import Final, NamedTuple

from zram_impl.errors import ZramError
from zram_impl.forking import made_anew
from zram_impl.runtime import Rank, Runtime
from zram_impl.shield import raised_by_handler
from zram_impl.table.entries import Backed, Entry
from zram_impl.units import PAGE_SHIFT, PAGE_SIZE

BOOKKEEPING: Final = 200
"""Bytes that a kept page takes besides its content."""
_STREAMS: Final = 4
"""Sequential reads that are followed at a time."""
_FIRST: Final = 32
_FASTER: Final = 4
"""Pages looked at when a read is found to continue another, and how many times as many each time from then on."""
_AGAIN: Final = 2

CleanPage = tuple[int, Backed, int]
"""Index and entry of a page that was read, and the place where it is."""


class Stream(NamedTuple):
    """A sequential read: where it would continue, and the pages that were looked at last."""

    end: int
    window: int


class Lease:
    """Places that are one reader's to read into, for as long as it holds this."""

    __slots__ = ("__weakref__", "end", "first")

    def __init__(self, first: int, end: int) -> None:
        self.first: Final = first
        self.end: Final = end


class CleanPages:
    """Pages by their index; the oldest one that was not asked for again goes first (the clock algorithm).

    Attributes:
        capacity: Pages kept at most.
        ahead: Pages read at once, at most, where a read continues an earlier one; 1 is no more than asked for.
        most: Places of one lease at most.
        portion: As `ahead`, where the next pages are on their way while the present ones are used.
        turn: The places that those go round in.
    """

    def __init__(self, runtime: Runtime, capacity: int, ahead: int) -> None:
        """Keep nothing yet; ENOMEM when the system has no room for so many pages."""
        self.capacity: Final = capacity
        self.most: Final = max(capacity // 2, 1)
        # What is read ahead must still be there when it is its turn, and leave something to others.
        self.ahead: Final = min(ahead, self.most)
        self.portion: Final = max(min(ahead, max(self.most // 8, min(_FIRST, self.most // 3))), 1)
        # The present window, the next one, and what lies between the blocks of either; the fewer, the more others stay.
        self.turn: Final = min(4 * self.portion, self.most)
        # Guards what is kept, and where; a look for a page takes no lock.
        self._lock = runtime.lock("clean pages", Rank.ENGINE)
        self._kept: dict[int, tuple[Backed, int]] = {}
        """Entry and place of each page."""
        try:
            self._memory: Final = mmap.mmap(-1, capacity * PAGE_SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except OSError as error:
            if raised_by_handler(error):
                raise
            raise ZramError(ENOMEM, f"ENOMEM: no memory for a read cache of {capacity} pages: {error}") from error
        self._owners: list[int] = []
        """Index of the page at each place that was used, which may be gone, or elsewhere by now."""
        self._asked: list[int] = []
        """Times that the page at each place was asked for, from `_AGAIN` on no longer counted: that spares it once, so
        that pages which are read in order, each once, do not drive out those that are read again and again."""
        self._hand = 0
        """The place where the next page goes, unless what is there is spared."""
        self._ahead_hand = capacity - self.most
        """The same for pages that are read ahead once every place is used: these go round in a part of the places, so
        that the others keep theirs, and who reads more in order, over and over, than can be kept finds some of it."""
        self._leases: list[weakref.ref[Lease]] = []
        """By weak references: however a reader ends, its places are free then."""
        self._streams: tuple[Stream, ...] = ()

    # --- pages -----------------------------------------------------------------------------------------------------

    def get(self, index: int, entry: Backed) -> bytes | None:
        """Return the page that a slot with this entry has; None if it is not kept."""
        found = self._kept.get(index)
        # Race with writers since it was kept: a slot that was replaced has another entry, equal or not.
        if found is None or found[0] is not entry:
            return None
        place = found[1]
        page = self._memory[place << PAGE_SHIFT : (place + 1) << PAGE_SHIFT]
        # Race with who takes the place: a page is forgotten before its place gets another, which this may be.
        if self._kept.get(index) is not found:
            return None
        asked = self._asked
        if asked[place] < _AGAIN:
            asked[place] += 1
        return page

    def missing(self, index: int, window: Sequence[Entry]) -> Sequence[Entry]:
        """Return entries of pages from `index` on, with None for those that are kept."""
        kept = self._kept
        return [
            None if (found := kept.get(at)) is not None and found[0] is entry else entry
            for at, entry in enumerate(window, index)
        ]

    def keep(self, index: int, entry: Backed, page: bytes, asked: int) -> None:
        """Keep a copy of a page that was asked for so often."""
        with self._lock:
            self._put(index, entry, page, asked)

    def lease(self, places: int, within: int) -> Lease | None:
        """Return places side by side whose pages are forgotten; None while others read there.

        Once every place is used, they are among the last `within`, which is at most `most`.
        """
        with self._lock:
            return self._lease(places, within)

    def memory(self, lease: Lease) -> memoryview:
        """Return the memory of leased places; to be released."""
        return memoryview(self._memory)[lease.first << PAGE_SHIFT : lease.end << PAGE_SHIFT]

    def keep_leased(self, pages: Sequence[CleanPage]) -> None:
        """Keep pages that are where the caller's lease is."""
        with self._lock:
            self._keep(pages)

    def _keep(self, pages: Sequence[CleanPage]) -> None:
        kept, owners, asked = self._kept, self._owners, self._asked
        # An exception of a signal handler may land anywhere here: a page that is not known to be kept is harmless, one
        # whose place is not known to be its own would be wrong data later.
        for index, entry, place in pages:
            owners[place] = index
            asked[place] = 0
            kept[index] = entry, place

    def _put(self, index: int, entry: Backed, page: bytes, asked: int) -> None:
        place = self._vacate()
        if place is not None:
            self._memory[place << PAGE_SHIFT : (place + 1) << PAGE_SHIFT] = page
            self._owners[place] = index
            self._asked[place] = asked
            self._kept[index] = entry, place

    def _vacate(self) -> int | None:
        """Forget the page that goes first; return its place, None if all are leased."""
        leases, asked = self._live_leases(), self._asked
        for _ in range(2 * self.capacity):
            place = self._hand
            self._hand = (place + 1) % self.capacity
            self._reach(place + 1)
            if any(each.first <= place < each.end for each in leases):
                continue
            if asked[place] < _AGAIN or not self._holds(place):
                self._forget(place)
                return place
            asked[place] = 1
        return None

    def _lease(self, places: int, within: int) -> Lease | None:
        assert places <= within <= self.most, "so that it fits where reads in order go round"
        full = len(self._owners) == self.capacity or self._hand + places > self.capacity
        first = self._hand
        if full:
            start, first = self.capacity - within, self._ahead_hand
            if not start <= first <= self.capacity - places:
                first = start
        lease = Lease(first, first + places)
        if any(each.first < lease.end and lease.first < each.end for each in self._live_leases()):
            return None
        self._reach(lease.end)
        spared: list[tuple[int, Backed, bytes]] = []
        for place in range(lease.first, lease.end):
            if self._asked[place] >= _AGAIN and self._holds(place):
                index = self._owners[place]
                page = self._memory[place << PAGE_SHIFT : (place + 1) << PAGE_SHIFT]
                spared.append((index, self._kept[index][0], page))
            self._forget(place)
        self._leases.append(weakref.ref(lease))
        if full:
            self._ahead_hand = lease.end
        else:
            self._hand = lease.end % self.capacity
        for index, entry, page in spared:
            self._put(index, entry, page, 1)
        return lease

    def _live_leases(self) -> list[Lease]:
        live = [lease for each in self._leases if (lease := each()) is not None]
        self._leases[:] = map(weakref.ref, live)
        return live

    def _reach(self, end: int) -> None:
        """Begin to use places up to `end`."""
        more = end - len(self._owners)
        if more > 0:
            self._asked.extend([0] * (end - len(self._asked)))
            self._owners.extend([-1] * more)

    def _holds(self, place: int) -> bool:
        """Return whether a page is kept there."""
        there = self._kept.get(self._owners[place])
        return there is not None and there[1] == place

    def _forget(self, place: int) -> None:
        """Forget the page that is kept there, if any."""
        if self._holds(place):
            del self._kept[self._owners[place]]

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return len(self._owners) * (PAGE_SIZE + BOOKKEEPING)

    # --- sequential reads ------------------------------------------------------------------------------------------

    def window(self, index: int) -> int:
        """Return how many pages to look at for a read of one that is not kept; 1 unless it continues another read."""
        for stream in self._streams:
            if 0 <= index - stream.end < self.ahead:
                return min(max(_FASTER * stream.window, _FIRST), self.ahead)
        return 1

    def expect(self, index: int, window: int) -> None:
        """Note that so many pages from `index` on were looked at: a read after them, pages passed over, continues."""
        others = [each for each in self._streams if not -each.window <= index - each.end < self.ahead]
        self._streams = (Stream(index + window, window), *others[: _STREAMS - 1])

    def entered(self, index: int) -> tuple[int, int] | None:
        """Return the first page and how many to look at next, if `index` is among those that were looked at last."""
        streams = self._streams
        for stream in streams:
            if -stream.window <= index - stream.end < 0:
                size = min(_FASTER * stream.window, self.portion)
                self._streams = (Stream(stream.end + size, size), *(each for each in streams if each is not stream))
                return stream.end, size
        return None

    def after_fork(self) -> None:
        """Be a forked child's: nobody holds the lock, and nobody reads."""
        made_anew(self._lock)
        self._leases.clear()
