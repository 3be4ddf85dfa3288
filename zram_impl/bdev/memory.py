"""A backing device in memory, for tests and for trying things out."""

from collections.abc import Sequence

from zram_impl.parsing import kstrto
from zram_impl.runtime import native_lock
from zram_impl.units import PAGE_SHIFT, PAGE_SIZE


class MemoryDevice:
    """Blocks in memory, zeros at first. A page is written and read atomically, which no real device promises."""

    def __init__(self, blocks: int, name: str = "memory") -> None:
        """Make `blocks` blocks; EINVAL unless that is a whole number from 0."""
        self.name: str = name
        self.blocks: int = kstrto.whole(blocks, "blocks", 0, kstrto.U32_MAX)
        self._lock = native_lock()  # guards _content, for a moment
        self._content = bytearray(blocks * PAGE_SIZE)

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write all of it."""
        assert 0 <= blk_idx <= blk_idx + len(pages) <= self.blocks, "a transfer is within the device"
        for start, page in enumerate(pages, blk_idx):
            with self._lock:
                self._content[start << PAGE_SHIFT : (start + 1) << PAGE_SHIFT] = page
        return len(pages) << PAGE_SHIFT

    def read(self, blk_idx: int, into: memoryview) -> None:
        """Read all of it."""
        assert 0 <= blk_idx <= blk_idx + len(into) // PAGE_SIZE <= self.blocks, "a transfer is within the device"
        for at in range(0, len(into), PAGE_SIZE):
            start = (blk_idx << PAGE_SHIFT) + at
            with self._lock:
                into[at : at + PAGE_SIZE] = self._content[start : start + PAGE_SIZE]

    def block(self, blk_idx: int) -> bytes:
        """Return what is on one block."""
        with self._lock:
            return bytes(self._content[blk_idx << PAGE_SHIFT : (blk_idx + 1) << PAGE_SHIFT])

    def sync(self) -> None:
        """Nothing is to be made durable."""

    def close(self) -> None:
        """Do nothing; what is on the blocks stays to be looked at."""
