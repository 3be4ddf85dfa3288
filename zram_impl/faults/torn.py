"""Writes of which only a part reaches the device, whatever is answered."""

import os
from collections.abc import Sequence
from errno import EIO

from zram_impl.bdev.device import BackingDevice
from zram_impl.faults.choosing import always
from zram_impl.faults.filter import ReadsThrough, SyncsThrough
from zram_impl.faults.operation import Chosen
from zram_impl.faults.prefix import write_prefix
from zram_impl.units import PAGE_SIZE


class Torn(ReadsThrough, SyncsThrough):
    """Writes of which only the first `length` bytes reach the device, and that fail with `code`.

    Without a `code` they are acknowledged: the device lies. A `length` of 0 is a write that is lost.
    """

    def __init__(
        self, device: BackingDevice, when: Chosen = always, *, length: int = PAGE_SIZE // 2, code: int | None = EIO
    ) -> None:
        """Surround `device`; `code` is an errno, or None for success."""
        super().__init__(device, when)
        self.length: int = length
        self.code: int | None = code

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write all of it, or a part, and then fail or lie."""
        selected = self.select("write", blk_idx, len(pages))
        if selected is None:
            return self.device.write(blk_idx, pages)
        write_prefix(self.device, blk_idx, pages, self.length)
        if self.code is not None:
            raise OSError(self.code, f"{os.strerror(self.code)} (ordered after {self.length} bytes of {selected})")
        return len(pages) * PAGE_SIZE
