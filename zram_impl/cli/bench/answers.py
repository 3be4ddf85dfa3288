"""Processor time of a writeback pass whose engine answers at once, beside what each page costs whatever the pass does.

That is to decompress it, to copy it into its buffer and to compute its checksum; the rest is bookkeeping.
"""

import zlib
from collections.abc import Callable, Sequence
from time import thread_time

from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.cli.pairing import Paired, paired
from zram_impl.cli.stop import Stop
from zram_impl.compression.algorithms import ALGORITHMS, DEFAULT_ALGORITHM, Params
from zram_impl.compression.codec import decode, encode
from zram_impl.device.engines import MAX_IN_FLIGHT
from zram_impl.engine.buffers import PageBuffers
from zram_impl.engine.request import Phase, WbReq
from zram_impl.passes.base import PassProgress
from zram_impl.runtime import Runtime, UnshieldedRuntime
from zram_impl.units import PAGE_SIZE
from zram_impl.zram import Zram


class AtOnce:
    """An engine that writes nothing and answers at once."""

    def __init__(self, _device: BackingDevice, _runtime: Runtime) -> None:
        self._buffers = PageBuffers(MAX_IN_FLIGHT)
        self._done: list[WbReq] = []
        self.depth: int = MAX_IN_FLIGHT
        self.buffer: Callable[[], memoryview | None] = self._buffers.take
        self.release: Callable[[memoryview], None] = self._buffers.give
        self.close: Callable[[], None] = self._buffers.close

    def submit(self, requests: Sequence[WbReq]) -> None:
        """Answer."""
        answered = Phase.ANSWERED
        for request in requests:
            request.error = 0
            request.phase = answered
        self._done += requests

    def answered(self, wait: bool = False) -> list[WbReq]:
        """Return and forget the answered requests."""
        del wait
        done, self._done = self._done, []
        return done


def pass_time(pages: Sequence[bytes], batch: int, rounds: int, stop: Stop) -> Paired:
    """Compare passes with the bare loop (the yardstick); seconds of processor time, no page same-filled."""
    algorithm = ALGORITHMS[DEFAULT_ALGORITHM](Params())
    objects = [entry for page in pages if type(entry := encode(page, algorithm.compress)) is bytes]
    data, last = b"".join(pages), len(pages) - 1
    buffer = memoryview(bytearray(PAGE_SIZE))

    def bare(_piece: int) -> float:
        decompress, checksum = algorithm.decompress, zlib.crc32
        began = thread_time()
        for entry in objects:
            page = decode(entry, decompress)
            buffer[:] = page
            checksum(page)
        return thread_time() - began

    # Unshielded, so that the pass runs in the thread whose time is measured.
    runtime = UnshieldedRuntime()
    with Zram.create(len(data), backing=MemoryDevice(len(pages)), engine=AtOnce, runtime=runtime) as device:
        device.set_batch_size(batch)

        def whole(_piece: int) -> float:
            device.write_pages(0, data)
            running = device.begin_writeback(ranges=[(0, last)])
            began = thread_time()
            while running.advance() is not PassProgress.DONE:
                pass
            return thread_time() - began

        return paired(bare, whole, 1, rounds, stop)
