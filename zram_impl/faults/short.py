"""Writes that are cut short, and say so."""

from collections.abc import Sequence

from zram_impl.bdev.device import BackingDevice
from zram_impl.faults.choosing import always
from zram_impl.faults.filter import ReadsThrough, SyncsThrough
from zram_impl.faults.operation import Chosen
from zram_impl.faults.prefix import write_prefix
from zram_impl.units import PAGE_SIZE


class Short(ReadsThrough, SyncsThrough):
    """Writes of which only the first `length` bytes reach the device and are answered for."""

    def __init__(self, device: BackingDevice, when: Chosen = always, *, length: int = PAGE_SIZE // 2) -> None:
        """Surround `device`; a write of no more than `length` bytes loses its last byte."""
        super().__init__(device, when)
        self.length: int = length

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write all of it, or a part, and return how much that was."""
        if self.select("write", blk_idx, len(pages)) is None:
            return self.device.write(blk_idx, pages)
        length = min(self.length, len(pages) * PAGE_SIZE - 1)
        write_prefix(self.device, blk_idx, pages, length)
        return length
