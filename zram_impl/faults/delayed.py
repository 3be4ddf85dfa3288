"""Operations that take their time."""

import time
from collections.abc import Callable, Sequence

from zram_impl.bdev.device import BackingDevice
from zram_impl.faults.choosing import always
from zram_impl.faults.filter import Filter
from zram_impl.faults.operation import Chosen, Operation

Sleep = Callable[[float], None]


class Delayed(Filter):
    """Operations that begin `seconds` late. To decide when one proceeds, rather than after which time: `Gated`."""

    def __init__(
        self, device: BackingDevice, when: Chosen = always, *, seconds: float, sleep: Sleep = time.sleep
    ) -> None:
        """Surround `device`; `sleep` is called with no lock held and may do what it likes instead of sleeping."""
        super().__init__(device, when)
        self.seconds: float = seconds
        self._sleep = sleep

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write, perhaps late."""
        self._delay(self.select("write", blk_idx, len(pages)))
        return self.device.write(blk_idx, pages)

    def read(self, blk_idx: int, into: memoryview) -> None:
        """Read, perhaps late."""
        self._delay(self.select_read(blk_idx, into))
        self.device.read(blk_idx, into)

    def sync(self) -> None:
        """Sync, perhaps late."""
        self._delay(self.select("sync"))
        self.device.sync()

    def _delay(self, selected: Operation | None) -> None:
        if selected is not None:
            self._sleep(self.seconds)
