"""An engine that answers writes in a random order, and fails those that a fault selects."""

import random
from collections.abc import Callable, Sequence
from typing import Final

from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.buffers import PageBuffers
from zram_impl.engine.request import Phase, WbReq
from zram_impl.units import PAGE_SIZE

DEPTH: Final = 64

Fault = Callable[[WbReq], int]
"""Says with which errno the write of a request fails, 0 if it does not."""


class OrderedEngine:
    """Answers some of what is in flight whenever it is asked, at least one when asked to wait.

    Every write is a real one, to a real device. Without `order` it answers everything in the order of submission.
    """

    def __init__(self, device: BackingDevice, fault: Fault, order: random.Random | None, memory: int = DEPTH) -> None:
        """Write to `device`; `order` decides which of the requests in flight are answered next."""
        self._device = device
        self._fault = fault
        self._order = order
        self._buffers = PageBuffers(memory)
        self._flight: list[WbReq] = []

    @property
    def depth(self) -> int:
        """The most requests it carries at a time."""
        return self._buffers.depth

    def buffer(self) -> memoryview | None:
        """Hand out a page."""
        return self._buffers.take()

    def release(self, page: memoryview) -> None:
        """Take a page back."""
        self._buffers.give(page)

    def submit(self, requests: Sequence[WbReq]) -> None:
        """Take requests."""
        self._flight += requests

    def answered(self, wait: bool = False) -> list[WbReq]:
        """Write some, and hand them back."""
        if self._order is None:
            chosen = list(self._flight)
        else:
            least = min(1, len(self._flight)) if wait else 0
            chosen = self._order.sample(self._flight, self._order.randint(least, len(self._flight)))
        for request in chosen:
            self._flight.remove(request)
            self._write(request)
        return chosen

    def close(self) -> None:
        """Give the memory back."""
        self._buffers.close()

    def _write(self, request: WbReq) -> None:
        request.error = self._fault(request)
        if not request.error:
            written = self._device.write(request.blk_idx, [request.page])
            assert written == PAGE_SIZE, "a device in memory writes all of it"
        request.phase = Phase.ANSWERED
