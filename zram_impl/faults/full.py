"""A device that is full sooner than it said: a sparse file on a full disk, a thin volume."""

import os
from collections.abc import Sequence
from errno import ENOSPC

from zram_impl.bdev.device import BackingDevice
from zram_impl.faults.filter import ReadsThrough, SyncsThrough
from zram_impl.runtime import native_lock


class Full(ReadsThrough, SyncsThrough):
    """A device that stores `capacity` different blocks: one more fails with ENOSPC. A stored one can be written again.

    A write of several pages is cut short before the first page that does not fit.
    """

    def __init__(self, device: BackingDevice, capacity: int) -> None:
        """Surround `device`."""
        super().__init__(device)
        self.capacity: int = capacity
        self._lock = native_lock()  # guards _there, for a moment
        self._there: set[int] = set()

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write the pages that fit."""
        fit = self._fit(range(blk_idx, blk_idx + len(pages)))
        if fit < len(pages):
            self.select("write", blk_idx, len(pages))
        if not fit:
            raise OSError(ENOSPC, f"{os.strerror(ENOSPC)} (ordered: capacity {self.capacity} blocks)")
        return self.device.write(blk_idx, pages[:fit])

    def _fit(self, blocks: range) -> int:
        with self._lock:
            return self._take(blocks)

    def _take(self, blocks: range) -> int:
        for fit, block in enumerate(blocks):
            if block not in self._there and len(self._there) >= self.capacity:
                return fit
            self._there.add(block)
        return len(blocks)
