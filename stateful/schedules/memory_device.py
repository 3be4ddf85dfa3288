"""The backing device of a schedule: blocks in memory, a point before every call, faults by number, and monitors."""

from collections.abc import Callable, Sequence
from errno import EIO
from typing import NamedTuple

from stateful.seam.blocks import GARBAGE, torn
from zram_impl import PAGE_SIZE
from zram_impl.bdev.memory import MemoryDevice


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


class BlocksInMemory(MemoryDevice):
    """A backing device.

    Attributes:
        in_use: Asked whether a block is reserved; nothing may be written to one that is not, from its submission to
            its answer.
    """

    def __init__(self, blocks: int, faults: NumberedFaults, point: Callable[[str], None]) -> None:
        super().__init__(blocks)
        self.in_use: Callable[[int], bool] = lambda _block: True
        self.writes = self.reads = 0
        self._faults = faults
        self._point = point
        self._busy: set[int] = set()

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:  # type: ignore[explicit-override]  # typing: 3.12
        """Write one page after the other; fail or end early as the faults say."""
        for number, page in enumerate(pages):
            block = blk_idx + number
            self._begin(block)
            self._point("device")
            self._end(block)
            self.writes += 1
            if self.writes - 1 in self._faults.writes:
                super().write(block, [memoryview(GARBAGE)])
                raise OSError(EIO, "this write was to fail")
            if self.writes - 1 in self._faults.short:
                super().write(block, [torn(page)])
                return number * PAGE_SIZE + PAGE_SIZE // 2
            super().write(block, [page])
        return len(pages) * PAGE_SIZE

    def _begin(self, block: int) -> None:
        assert block not in self._busy, f"one_write_at_a_time: block {block} is written twice at the same time"
        assert self.in_use(block), f"nothing_is_released_before_it_completed: block {block} is written, owned by nobody"
        self._busy.add(block)

    def _end(self, block: int) -> None:
        assert self.in_use(block), f"nothing_is_released_before_it_completed: block {block} was released in flight"
        self._busy.remove(block)

    def read(self, blk_idx: int, into: memoryview) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        """Read the block as it is when the device gets to it."""
        self._point("device")
        self.reads += 1
        super().read(blk_idx, into)
        if self.reads - 1 in self._faults.reads:
            raise OSError(EIO, "this read was to fail")

    def heal(self) -> None:
        """Let nothing fail any more."""
        self._faults = NumberedFaults()
