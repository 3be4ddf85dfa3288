"""A backing device whose reads wait at two gates, so that anything can happen while one is under way.

A read that is to be stepped runs in a thread of its own; it stops before the device looks at the block and again
before the bytes are returned. All other threads pass without stopping, and only one of them runs at a time.
"""

import queue
import threading
from collections.abc import Sequence
from typing import Final

from zram_impl import Zram
from zram_impl.bdev.device import BackingDevice
from zram_impl.units import PAGE_SIZE

GATE_SECONDS: Final = 10.0
"""How long anybody waits for the other side before the run is called stuck."""

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
        self.reads += 1
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
        self.at: str | None = None
        self.blk_idx = -1
        self.page = b""
        self.failure: BaseException | None = None
        self._abandoned = False
        self._gates = gates
        self._go: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._arrived: queue.SimpleQueue[tuple[str, int] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(device,), name=f"read of page {index}", daemon=True)
        self._thread.start()
        self._await()

    def step(self) -> None:
        """Let the read continue to its next stop."""
        self._go.put(None)
        self._await()

    def abandon(self) -> None:
        """Let the read run to its end, whatever it returns."""
        self._abandoned = True
        while self.at is not None:
            self.step()
        self._thread.join(GATE_SECONDS)

    def stop(self, gate: str, blk_idx: int) -> None:
        """Wait at a gate (called by the read's own thread)."""
        if not self._abandoned:
            self._arrived.put((gate, blk_idx))
            self._go.get(timeout=GATE_SECONDS)

    def _await(self) -> None:
        arrival = self._arrived.get(timeout=GATE_SECONDS)
        self.at, self.blk_idx = arrival or (None, -1)
        if arrival is None:
            self._thread.join(GATE_SECONDS)

    def _run(self, device: Zram) -> None:
        self._gates.readers[threading.get_ident()] = self
        try:
            self.page = device.read_page(self.index)
        except BaseException as error:  # raised again where the read is stepped
            self.failure = error
        finally:
            del self._gates.readers[threading.get_ident()]
            self._arrived.put(None)
