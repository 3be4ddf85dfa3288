"""The backing device of a device under test: blocks in memory, some of whose writes fail, and somebody who watches."""

from collections.abc import Callable, Sequence
from errno import EIO
from typing import Final

from stateful.common.stamped_pages import stamp_of
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.units import PAGE_SIZE

GARBAGE: Final = b"\xff" * PAGE_SIZE
"""The content that a failed write leaves on its block."""


def torn(page: memoryview) -> memoryview:
    """Return what a write that ends in the middle of a page leaves on its block."""
    return memoryview(bytes(page[: PAGE_SIZE // 2]) + GARBAGE[PAGE_SIZE // 2 :])


class WatchedBlocks(MemoryDevice):
    """Blocks in memory.

    Attributes:
        failing: Pages, by the stamp of what is written, whose writes fail.
        torn: Pages whose writes end in the middle.
        during: Called before each page is written.
        reading: Called when something has been read, before it is returned.
    """

    def __init__(self, blocks: int) -> None:
        super().__init__(blocks)
        self.failing: frozenset[int] = frozenset()
        self.torn: frozenset[int] = frozenset()
        self.during: Callable[[], None] = lambda: None
        self.reading: Callable[[], None] = lambda: None

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:  # type: ignore[explicit-override]  # typing: 3.12
        """Write one page after the other; fail or end early as asked for."""
        for number, page in enumerate(pages):
            block = blk_idx + number
            self.during()
            stamp = stamp_of(bytes(page))
            index = -1 if stamp is None else stamp[0]
            if index in self.failing:
                super().write(block, [memoryview(GARBAGE)])
                raise OSError(EIO, f"writing page {index} was to fail")
            if index in self.torn:
                super().write(block, [torn(page)])
                return number * PAGE_SIZE + PAGE_SIZE // 2
            super().write(block, [page])
        return len(pages) * PAGE_SIZE

    def read(self, blk_idx: int, into: memoryview) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        """Read blocks."""
        super().read(blk_idx, into)
        self.reading()
