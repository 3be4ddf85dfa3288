"""Page-aligned memory for requests: one stretch of addresses, which the system gives memory for as it is used.

Not locked: an engine serves one pass at a time, and only that pass takes and gives pages.
"""

import ctypes
import mmap
from contextlib import suppress
from typing import Final

from zram_impl.units import PAGE_SIZE

_LARGE: Final = 2 << 20
"""Bytes of a large page of the processor's, at whose multiples one begins. (Huge is a page that is not compressed.)"""


class PageBuffers:
    """Up to `depth` page buffers, each PAGE_SIZE bytes at a page boundary, side by side in the order they are made.

    A store of half a large page or more lies in large pages, if the system has some: a write from there is one piece of
    memory for the device, where it is a piece for each page that lies beside the next one for this process alone. The
    first page used takes a large page, whole.

    The memory lies outside the interpreter's heap and returns to the system on `close`, whole.
    """

    __slots__ = ("_closed", "_depth", "_first", "_free", "_memory", "_out", "_pages")

    def __init__(self, depth: int) -> None:
        """Make an empty store; nothing is mapped before the first `take`."""
        assert depth > 0, "an engine carries at least one request"
        self._depth = depth
        self._closed = False
        self._memory: mmap.mmap | None = None
        self._first = 0  # where the first page lies in it
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

        A page in the hands of the system (a transfer nobody waited for) or of a copy of its view keeps the memory
        mapped until that is over.
        """
        self._closed = True
        self._free.clear()
        self._out.clear()
        while self._pages:
            with suppress(BufferError):
                self._pages.pop().release()
        memory, self._memory = self._memory, None
        if memory is not None:
            with suppress(BufferError):
                memory.close()

    def _grow(self) -> bool:
        """Make the next page, the first one with the memory of all."""
        made = len(self._pages)
        if made == self._depth or (self._memory is None and not self._map()):
            return False
        assert self._memory is not None, "mapped above"
        start = self._first + made * PAGE_SIZE
        with memoryview(self._memory) as whole:
            page = whole[start : start + PAGE_SIZE]
        self._pages.append(page)
        self._free.append(page)
        return True

    def _map(self) -> bool:
        size = self._depth * PAGE_SIZE
        large = 2 * size >= _LARGE
        # Private, as a shared anonymous mapping counts as shared memory and is limited as such.
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        try:
            # Whole large pages, from the first multiple of their size on, wherever the mapping begins.
            memory = mmap.mmap(-1, -(-size // _LARGE) * _LARGE + _LARGE if large else size, flags=flags)
        except (OSError, MemoryError):
            return False
        if large:
            with suppress(AttributeError, OSError):  # no such pages here: then in those there are
                memory.madvise(mmap.MADV_HUGEPAGE)
            self._first = -ctypes.addressof(ctypes.c_char.from_buffer(memory)) % _LARGE
        self._memory = memory
        return True
