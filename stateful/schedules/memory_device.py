"""The backing device of a schedule: blocks in memory, a point before every call, faults by number, and monitors."""

from collections.abc import Callable, Sequence
from errno import EIO
from typing import NamedTuple

from zram_impl import PAGE_SIZE

GARBAGE = b"\xff" * PAGE_SIZE
"""The content that a failed write leaves on its block."""


class NumberedFaults(NamedTuple):
    """Faults by number from 0, in the order of the calls."""

    writes: frozenset[int] = frozenset()
    """Page writes that fail."""
    short: frozenset[int] = frozenset()
    """Page writes that are torn: the call they belong to ends there, in the middle of the page."""
    reads: frozenset[int] = frozenset()
    buffers: frozenset[int] = frozenset()
    """Page buffers that there is no memory for."""
    threads: frozenset[int] = frozenset()
    """Threads of the device that cannot be started."""


class BlocksInMemory:
    """A backing device.

    Attributes:
        content: What is on each block.
        in_use: Asked whether a block is reserved; nothing may be written to one that is not, from its submission to
            its answer.
    """

    def __init__(self, blocks: int, faults: NumberedFaults, point: Callable[[str], None]) -> None:
        self.name = "memory"
        self.blocks = blocks
        self.content = [bytes(PAGE_SIZE)] * blocks
        self.in_use: Callable[[int], bool] = lambda _block: True
        self.writes = self.reads = 0
        self._faults = faults
        self._point = point
        self._busy: set[int] = set()

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write one page after the other; fail or end early as the faults say."""
        for number, page in enumerate(pages):
            block = blk_idx + number
            self._begin(block)
            self._point("device")
            self._end(block)
            self.writes += 1
            if self.writes - 1 in self._faults.writes:
                self.content[block] = GARBAGE
                raise OSError(EIO, "this write was to fail")
            if self.writes - 1 in self._faults.short:
                half = PAGE_SIZE // 2
                self.content[block] = bytes(page[:half]) + GARBAGE[half:]
                return number * PAGE_SIZE + half
            self.content[block] = bytes(page)
        return len(pages) * PAGE_SIZE

    def _begin(self, block: int) -> None:
        assert block not in self._busy, f"one_write_at_a_time: block {block} is written twice at the same time"
        assert self.in_use(block), f"nothing_is_released_before_it_completed: block {block} is written, owned by nobody"
        self._busy.add(block)

    def _end(self, block: int) -> None:
        assert self.in_use(block), f"nothing_is_released_before_it_completed: block {block} was released in flight"
        self._busy.remove(block)

    def read(self, blk_idx: int, into: memoryview) -> None:
        """Read the block as it is when the device gets to it."""
        self._point("device")
        self.reads += 1
        into[:] = self.content[blk_idx]
        if self.reads - 1 in self._faults.reads:
            raise OSError(EIO, "this read was to fail")

    def heal(self) -> None:
        """Let nothing fail any more."""
        self._faults = NumberedFaults()

    def sync(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""
