"""A device that is full sooner than it said: a sparse file on a full disk, a thin volume."""

import os
import threading
from collections.abc import Sequence
from errno import ENOSPC

from zram_impl.bdev.device import BackingDevice
from zram_impl.faults.filter import ReadsThrough, SyncsThrough


class Full(ReadsThrough, SyncsThrough):
    """Has room for `room` different blocks. A block once written can be written again; one more fails with ENOSPC.

    A write of several pages is cut short before the first page for which there is no room.
    """

    def __init__(self, device: BackingDevice, room: int) -> None:
        """Surround `device`."""
        super().__init__(device)
        self.room = room
        self._lock = threading.Lock()  # guards _there, for a moment
        self._there: set[int] = set()

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write as much as there is room for."""
        fit = self._fit(range(blk_idx, blk_idx + len(pages)))
        if fit < len(pages):
            self.strike("write", blk_idx, len(pages))
        if not fit:
            raise OSError(ENOSPC, f"{os.strerror(ENOSPC)} (ordered: room for {self.room} blocks)")
        return self.device.write(blk_idx, pages[:fit])

    def _fit(self, blocks: range) -> int:
        with self._lock:
            return self._take(blocks)

    def _take(self, blocks: range) -> int:
        for fit, block in enumerate(blocks):
            if block not in self._there and len(self._there) >= self.room:
                return fit
            self._there.add(block)
        return len(blocks)
