"""Page-aligned memory for requests, taken from the system in pieces as it is asked for.

Not locked: an engine serves one pass at a time, and only that pass takes and gives pages.
"""

import mmap
from contextlib import suppress
from typing import Final

from zram_impl.units import PAGE_SIZE

_PIECE_PAGES: Final = 32
"""Pages mapped at a time: one default batch, so that a small engine has one mapping."""


class PageBuffers:
    """Up to `depth` page buffers, each PAGE_SIZE bytes at a page boundary.

    The memory lies outside the interpreter's heap and returns to the system on `close`, whole.
    """

    __slots__ = ("_closed", "_depth", "_free", "_out", "_pages", "_pieces")

    def __init__(self, depth: int) -> None:
        """Make an empty store; nothing is mapped before the first `take`."""
        assert depth > 0, "an engine carries at least one request"
        self._depth = depth
        self._closed = False
        self._pieces: list[mmap.mmap] = []
        self._pages: list[memoryview] = []
        self._free: list[memoryview] = []
        # Identities, as comparing memoryviews would compare what is in them.
        self._out: set[int] = set()

    @property
    def depth(self) -> int:
        """The most pages that are ever out."""
        return self._depth

    @property
    def out(self) -> int:
        """Pages that are out now."""
        return len(self._out)

    @property
    def mapped(self) -> int:
        """Pages the system has given for this store."""
        return len(self._pages)

    def take(self) -> memoryview | None:
        """Hand out one page, its contents arbitrary; None when `depth` are out or the system has no memory."""
        assert not self._closed, "no page is taken after close"
        if not self._free and not self._grow():
            return None
        page = self._free.pop()
        self._out.add(id(page))
        return page

    def give(self, page: memoryview) -> None:
        """Take back a page that `take` handed out; after `close` there is nothing left to do."""
        if self._closed:
            return
        assert id(page) in self._out, "a page is given back once, to where it came from"
        self._out.remove(id(page))
        self._free.append(page)

    def close(self) -> None:
        """Return all memory to the system, pages that are out included: using one raises ValueError. Idempotent.

        A page in the hands of the system (a transfer nobody waited for) or of a copy of its view keeps its piece
        mapped until that is over.
        """
        self._closed = True
        self._free.clear()
        self._out.clear()
        while self._pages:
            with suppress(BufferError):
                self._pages.pop().release()
        while self._pieces:
            with suppress(BufferError):
                self._pieces.pop().close()

    def _grow(self) -> bool:
        pages = min(_PIECE_PAGES, self._depth - len(self._pages))
        if not pages:
            return False
        try:
            # Private, as a shared anonymous mapping counts as shared memory and is limited as such.
            piece = mmap.mmap(-1, pages * PAGE_SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except (OSError, MemoryError):
            return False
        self._pieces.append(piece)
        with memoryview(piece) as whole:
            fresh = [whole[start : start + PAGE_SIZE] for start in range(0, len(whole), PAGE_SIZE)]
        self._pages += fresh
        # Handed out from the end: in address order, so that a run's pages lie side by side.
        self._free += reversed(fresh)
        return True
