"""Silent corruption: other bits than were written, or than are there."""

from collections.abc import Sequence

from zram_impl.bdev.device import BackingDevice
from zram_impl.faults.choosing import always
from zram_impl.faults.filter import SyncsThrough
from zram_impl.faults.operation import Chosen
from zram_impl.faults.prefix import aligned_pages
from zram_impl.units import PAGE_SIZE


class Corrupting(SyncsThrough):
    """Flips bits of every page of a selected write (so they stay wrong) or read (so the next one may be right)."""

    def __init__(self, device: BackingDevice, when: Chosen = always, *, at: int = 0, mask: int = 1) -> None:
        """Surround `device`; in byte `at` of a page the bits of `mask` are flipped."""
        assert 0 <= at < PAGE_SIZE, "the byte is in a page"
        assert 0 < mask < 1 << 8, "some bits of a byte are flipped"
        super().__init__(device, when)
        self.at: int = at
        self.mask: int = mask

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write it, or something else; the caller's pages stay as they are."""
        if self.select("write", blk_idx, len(pages)) is None:
            return self.device.write(blk_idx, pages)
        with aligned_pages(len(pages)) as copies:
            for copy, page in zip(copies, pages, strict=True):
                copy[:] = page
                copy[self.at] ^= self.mask
            return self.device.write(blk_idx, copies)

    def read(self, blk_idx: int, into: memoryview) -> None:
        """Read what is there, or something else."""
        selected = self.select_read(blk_idx, into)
        self.device.read(blk_idx, into)
        if selected is not None:
            for page in range(0, len(into), PAGE_SIZE):
                into[page + self.at] ^= self.mask
