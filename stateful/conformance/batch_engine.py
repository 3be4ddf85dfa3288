"""An engine that answers as the recorded kernel was seen to: when a pass waits, everything in flight is answered.

So a replay has one outcome. Without waiting nothing is ever answered, however long ago it was submitted.
"""

from collections.abc import Sequence
from typing import Final

from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.buffers import PageBuffers
from zram_impl.engine.request import Phase, WbReq
from zram_impl.engine.runs import carry

DEPTH: Final = 1 << 20
"""Requests it carries at most: more than any device of a recording has pages."""


class TogetherEngine:
    """Writes what is in flight when somebody waits, in the order of submission."""

    def __init__(self, device: BackingDevice) -> None:
        self._device = device
        self._buffers = PageBuffers(DEPTH)
        self._flight: list[WbReq] = []

    @property
    def depth(self) -> int:
        """The most requests it carries at a time."""
        return DEPTH

    def buffer(self) -> memoryview | None:
        """Hand out a page."""
        return self._buffers.take()

    def release(self, page: memoryview) -> None:
        """Take a page back."""
        self._buffers.give(page)

    def submit(self, requests: Sequence[WbReq]) -> None:
        """Keep the requests until somebody waits for them."""
        for request in requests:
            assert request.phase is Phase.FLIGHT, "a request is in flight from its submission on"
        self._flight += requests

    def answered(self, wait: bool = False) -> list[WbReq]:
        """Write everything in flight if somebody waits for it, and return it, last one first, as the driver reaps."""
        if not wait:
            return []
        for request in self._flight:
            defect = carry(self._device, (request,))
            if defect is not None:
                raise defect
        done, self._flight = self._flight[::-1], []
        return done

    def close(self) -> None:
        """Give the memory back."""
        self._buffers.close()
