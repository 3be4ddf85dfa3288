"""Reads of the backing device that are under way, counted so that closing it can wait for them.

Kernel: read_from_bdev()
"""

from errno import EINVAL

from zram_impl.bdev.device import BackingDevice
from zram_impl.errors import ZramError
from zram_impl.runtime import Rank, Runtime
from zram_impl.units import PAGE_SIZE, BlkIdx


class WasResetError(ZramError):
    """The device was reset while it was read."""


class BackingReads:
    """Counts the reads of the backing device that are under way, so that closing it can wait for them."""

    def __init__(self, runtime: Runtime) -> None:
        # Guards `_running`, `_closing` and `bd_reads`; `close` waits on it.
        self._idle = runtime.condition("backing reads", Rank.ENGINE)
        self._running = 0
        self._closing = False
        self.bd_reads = 0

    def read(self, device: BackingDevice, blk_idx: BlkIdx) -> bytes:
        """Read one block; WasResetError (EINVAL) once the device is being closed, OSError as the device says."""
        with self._idle:
            if self._closing:
                raise WasResetError(EINVAL, "EINVAL: the device was reset while it was read")
            self._running += 1
            self.bd_reads += 1
        try:
            page = bytearray(PAGE_SIZE)
            with memoryview(page) as into:
                device.read(blk_idx, into)
            return bytes(page)
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def close(self) -> None:
        """Let no read begin any more and wait for those under way."""
        with self._idle:
            self._closing = True
            self._idle.wait_for(lambda: not self._running)
