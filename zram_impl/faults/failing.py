"""Operations that fail."""

import os
from collections.abc import Sequence
from errno import EIO

from zram_impl.bdev.device import BackingDevice
from zram_impl.faults.choosing import always
from zram_impl.faults.filter import Filter
from zram_impl.faults.operation import Chosen, Operation


class Failing(Filter):
    """Reads, writes and syncs that fail with `code` and do nothing. For a failed write that did something: `Torn`."""

    def __init__(self, device: BackingDevice, when: Chosen = always, *, code: int = EIO) -> None:
        """Surround `device`; `code` is an errno."""
        super().__init__(device, when)
        self.code: int = code

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write, or fail."""
        self._fail(self.select("write", blk_idx, len(pages)))
        return self.device.write(blk_idx, pages)

    def read(self, blk_idx: int, into: memoryview) -> None:
        """Read, or fail."""
        self._fail(self.select_read(blk_idx, into))
        self.device.read(blk_idx, into)

    def sync(self) -> None:
        """Sync, or fail."""
        self._fail(self.select("sync"))
        self.device.sync()

    def _fail(self, selected: Operation | None) -> None:
        if selected is not None:
            raise OSError(self.code, f"{os.strerror(self.code)} (ordered for {selected})")
