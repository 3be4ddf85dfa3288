"""The base of engines for one thread that hold what is submitted until a subclass decides what is answered."""

from collections.abc import Sequence

from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.buffers import PageBuffers
from zram_impl.engine.request import Phase, WbReq
from zram_impl.engine.runs import carry


class HeldEngine:
    """Holds what is submitted; a subclass says in `answered` what is written, in which order and with which errno.

    Attributes:
        held: Requests in flight, oldest first.
    """

    def __init__(self, device: BackingDevice, depth: int) -> None:
        """Write to `device`, which stays the caller's; carry `depth` requests at most."""
        self.held: list[WbReq] = []
        self._device = device
        self._buffers = PageBuffers(depth)

    @property
    def depth(self) -> int:
        """The most requests it carries at a time."""
        return self._buffers.depth

    @property
    def out(self) -> int:
        """Buffers handed out."""
        return self._buffers.out

    def buffer(self) -> memoryview | None:
        """Hand out a page buffer."""
        return self._buffers.take()

    def release(self, page: memoryview) -> None:
        """Take a page buffer back."""
        self._buffers.give(page)

    def submit(self, requests: Sequence[WbReq]) -> None:
        """Hold requests."""
        for request in requests:
            assert request.phase is Phase.FLIGHT, "a request is in flight from its submission on"
        self.held += requests

    def answer_one(self, request: WbReq, error: int = 0) -> None:
        """Write the page of a request that is held and answer it; with an errno, answer only."""
        self.held.remove(request)
        if error:
            request.error, request.phase = error, Phase.ANSWERED
            return
        defect = carry(self._device, (request,))
        if defect is not None:
            raise defect

    def close(self) -> None:
        """Give the memory back."""
        self._buffers.close()
