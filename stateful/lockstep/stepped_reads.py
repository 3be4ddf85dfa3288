"""A backing device whose reads wait at two gates, so that anything can happen while one is under way.

A read that is to be stepped runs in a thread of its own; it stops before the device looks at the block and again
before the bytes are returned. All other threads pass without stopping, and only one of them runs at a time.
"""

import threading
from collections.abc import Sequence
from typing import Final

from stateful.lockstep.stepped_thread import SteppedThread
from zram_impl import Zram
from zram_impl.bdev.device import BackingDevice
from zram_impl.units import PAGE_SIZE

ASKED: Final = "asked"
ANSWERED: Final = "answered"


class GatedDevice:
    """A device with gates for reads of threads that have a `SteppedRead`."""

    def __init__(self, device: BackingDevice) -> None:
        self._device = device
        self.name = device.name
        self.blocks = device.blocks
        self.readers: dict[int, SteppedRead] = {}
        """By thread."""
        self.reads = 0
        """Blocks read so far, all threads together."""

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write through."""
        return self._device.write(blk_idx, pages)

    def read(self, blk_idx: int, into: memoryview) -> None:
        """Read through, stopping at both gates when the thread is stepped."""
        reader = self.readers.get(threading.get_ident())
        self.reads += len(into) // PAGE_SIZE
        if reader is not None:
            reader.stop(ASKED, blk_idx)
        self._device.read(blk_idx, into)
        if reader is not None:
            reader.stop(ANSWERED, blk_idx)

    def peek(self, blk_idx: int) -> bytes:
        """Return what is on a block, for those who look at the device from outside."""
        into = bytearray(PAGE_SIZE)
        self._device.read(blk_idx, memoryview(into))
        return bytes(into)

    def sync(self) -> None:
        """Sync through."""
        self._device.sync()

    def close(self) -> None:
        """Close the device."""
        self._device.close()


class SteppedRead:
    """One `read_page` in a thread, one step at a time; `at` says where it waits: ASKED, ANSWERED or None (over)."""

    def __init__(self, device: Zram, gates: GatedDevice, index: int) -> None:
        self.index = index
        self.blk_idx = -1
        self.page = b""
        self.failure: BaseException | None = None
        self._device = device
        self._gates = gates
        self._thread = SteppedThread(self._run, f"read of page {index}")
        self._thread.step()

    @property
    def at(self) -> str | None:
        """Place at which it waits."""
        return self._thread.at

    def step(self) -> None:
        """Let the read continue to its next stop."""
        self._thread.step()

    def abandon(self) -> None:
        """Let the read run to its end, whatever it returns."""
        self._thread.run_out()

    def stop(self, gate: str, blk_idx: int) -> None:
        """Wait at a gate (called by the read's own thread)."""
        self.blk_idx = blk_idx
        self._thread.stop(gate)

    def _run(self) -> None:
        self._gates.readers[threading.get_ident()] = self
        try:
            self.page = self._device.read_page(self.index)
        except BaseException as error:  # raised again where the read is stepped
            self.failure = error
        finally:
            del self._gates.readers[threading.get_ident()]
