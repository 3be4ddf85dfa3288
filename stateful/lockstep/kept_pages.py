"""The read cache of the device under test, as the specification knows it: which reader keeps which page.

Every page that a read leaves behind is one reader's to the specification. So nothing else may be kept: reads that are
not to keep their page, and looks at pages from outside, go past the cache.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from zram_impl import PAGE_SIZE, Zram
from zram_impl.pages.page_io import Pages
from zram_impl.table.entries import Backed

AHEAD = 1
"""Pages looked at for a read: no more than asked for, as a page read ahead would be no reader's."""


class KeptPage(NamedTuple):
    """A page that a reader keeps, and the entry that it was read for."""

    page: int
    entry: Backed


class KeptPages:
    """The pages that readers keep."""

    def __init__(self) -> None:
        self.by_reader: dict[int, KeptPage] = {}
        self.most = 0
        """Pages that the device keeps at most; 0 while it keeps none."""

    def begin(self, device: Zram, most: int) -> None:
        """Have the device keep so many pages from here on; those kept so far are dropped."""
        self.most = most
        device.set_read_cache(most * PAGE_SIZE, ahead=AHEAD)

    def of(self, page: int, entry: object, first: int) -> int | None:
        """Return who keeps a page: for this entry, reader `first` before others; else for another one, else nobody."""
        found = sorted(
            (each.entry is not entry, k != first, k) for k, each in self.by_reader.items() if each.page == page
        )
        return found[0][-1] if found else None

    def dropped(self, pages: Pages) -> list[int]:
        """Forget what the device does not keep any more; return the readers."""
        clean = pages.clean
        gone = [k for k, each in self.by_reader.items() if clean is None or clean.get(each.page, each.entry) is None]
        for k in gone:
            del self.by_reader[k]
        return gone


@contextmanager
def past_the_cache(pages: Pages) -> Iterator[None]:
    """Have the device neither look for kept pages nor keep any, for a while."""
    clean, pages.clean = pages.clean, None
    try:
        yield
    finally:
        pages.clean = clean
