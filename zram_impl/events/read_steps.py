"""The steps of a read of a written-back page, reported to observers that take them.

Such a read is several steps to the specification: it begins under the table lock, the device answers, and under the
table lock again it ends, or finds that its slot was replaced and begins again. To distinguish them, each read under way
has a number, the lowest that is free. A read whose page is kept leaves its number with the page, until another read of
that page takes its place.
"""

import heapq
from typing import Protocol, TypeVar

from zram_impl.events.observer import ReadingObserver

Of = TypeVar("Of")
_Of_contra = TypeVar("_Of_contra", contravariant=True)


class KeepsPages(Protocol[_Of_contra]):
    """A cache of pages that were read, each for the entry of its slot."""

    def get(self, index: int, entry: _Of_contra, /) -> bytes | None:
        """Return a page that is kept."""
        ...


class ReadSteps:
    """Numbers reads under way and tells their steps. All but `answered` needs the table lock."""

    def __init__(self, observer: ReadingObserver) -> None:
        self._tell = observer.on_read_step
        self._free: list[int] = []
        self._numbers = 0
        self._kept: dict[int, int] = {}
        """By index of a page: the number of the read that left it behind."""
        self._keeping: set[int] = set()
        """Reads under way whose pages will be kept."""

    def begin(self, index: int) -> int:
        """Begin a read of a written-back page and return its number."""
        if not self._free:
            heapq.heappush(self._free, self._numbers)
            self._numbers += 1
        number = heapq.heappop(self._free)
        self._tell("read_begin", index, number)
        return number

    def answered(self, number: int) -> None:
        """Note that the device has answered; no lock is held."""
        self._tell("read_answer", number)

    def look(self, index: int, entry: Of, clean: KeepsPages[Of] | None) -> tuple[Of | bytes, int | None]:
        """Return a page that a read has left behind; else begin a read and return the entry and its number."""
        page = None if clean is None else clean.get(index, entry)
        if page is not None and index in self._kept:
            self._tell("read_kept", self._kept[index])
            return page, None
        number = self.begin(index)
        if clean is not None:
            self._keeping.add(number)
        return entry, number

    def look_again(self, number: int, index: int, *, unchanged: bool, backed: bool) -> None:
        """End a read if its slot is unchanged; else begin it again if the page is still, or again, written back."""
        if unchanged and number in self._keeping:
            self._keep(number, index)
            return
        self._tell("read_end" if unchanged else "read_retry", number)
        if backed and not unchanged:
            self._tell("read_begin", index, number)
        else:
            self._keeping.discard(number)
            heapq.heappush(self._free, number)

    def _keep(self, number: int, index: int) -> None:
        """End a read that leaves its page behind, in the place of an earlier one."""
        earlier = self._kept.get(index)
        if earlier is not None:
            self._tell("drop_kept", earlier)
            heapq.heappush(self._free, earlier)
        self._tell("read_keep", number)
        self._keeping.discard(number)
        self._kept[index] = number
