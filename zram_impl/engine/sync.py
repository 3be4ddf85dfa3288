"""The reference engine: every write is done, in order, one page at a time, before `submit` returns."""

from collections.abc import Sequence

from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.buffers import PageBuffers
from zram_impl.engine.request import Phase, WbReq
from zram_impl.engine.runs import carry, report
from zram_impl.events.observer import Observer
from zram_impl.units import DEFAULT_BATCH_SIZE


class SyncEngine:
    """An engine without threads: what the others must be indistinguishable from, but for order and speed."""

    def __init__(
        self, device: BackingDevice, *, depth: int = DEFAULT_BATCH_SIZE, observer: Observer | None = None
    ) -> None:
        """Write to `device`, which stays the caller's and must stay open until after `close`; tell `observer`."""
        self._device = device
        self._observer = observer
        self._buffers = PageBuffers(depth)
        self._done: list[WbReq] = []
        self._closed = False
        self._defect: Exception | None = None

    @property
    def depth(self) -> int:
        """The most requests it carries at a time."""
        return self._buffers.depth

    def buffer(self) -> memoryview | None:
        """Hand out one page buffer; None when `depth` are out or memory for one more cannot be had."""
        return self._buffers.take()

    def release(self, page: memoryview) -> None:
        """Take a buffer back."""
        self._buffers.give(page)

    def submit(self, requests: Sequence[WbReq]) -> None:
        """Write the pages now; every request is answered when this returns."""
        assert not self._closed, "nothing is submitted to a closed engine"
        for request in requests:
            assert request.phase is Phase.FLIGHT, "a request is in flight from its submission on"
            self._defect = carry(self._device, (request,)) or self._defect
            if self._observer is not None:
                report(self._observer, (request,))
            self._done.append(request)

    def answered(self, wait: bool = False) -> list[WbReq]:
        """Return and forget the answered requests; there is never anything to wait for."""
        del wait
        done, self._done = self._done, []
        return done

    def close(self) -> None:
        """Give the memory back. Idempotent.

        Raises:
            AssertionError: The device raised something that is no OSError; its requests were answered with EIO.
        """
        self._closed = True
        self._buffers.close()
        defect, self._defect = self._defect, None
        if defect is not None:
            raise AssertionError(f"the backing device failed in a way it must not: {defect!r}") from defect
