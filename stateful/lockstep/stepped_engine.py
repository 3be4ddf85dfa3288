"""An engine that waits for a command before each step: every completion order, error and delay becomes a step.

The writes are real writes to the real device. A request goes through the device's states one call at a time: pending,
written or failed, on the done queue with its callback still inside the control block, handed to the pass.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum

from stateful.seam.blocks import GARBAGE
from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.buffers import PageBuffers
from zram_impl.engine.request import Phase, WbReq
from zram_impl.events.observer import Observer
from zram_impl.units import PAGE_SIZE


class Io(IntEnum):
    """Progress of a request in the device."""

    PENDING = 1
    OK = 2
    ERROR = 3
    INSIDE = 4
    """The answer is queued, the callback has not left."""
    LEFT = 5
    """The pass may take it."""


class SteppedEngine:
    """Carry requests one commanded step at a time, for one thread."""

    def __init__(
        self, device: BackingDevice, depth: int, observer: Observer, wait: Callable[[], None] | None = None
    ) -> None:
        """Make one; `wait` is called for who waits for an answer, which without it is everything there is."""
        self.depth = depth
        self.io: dict[WbReq, Io] = {}
        self._device = device
        self._buffers = PageBuffers(depth + 1)
        self._staging = self._buffers.take()
        self._observer = observer
        self._wait = wait or self.finish

    @property
    def out(self) -> int:
        """Pages handed out."""
        return self._buffers.out - 1

    def buffer(self) -> memoryview | None:
        """Hand out a page."""
        return self._buffers.take()

    def release(self, page: memoryview) -> None:
        """Take a page back."""
        self._buffers.give(page)

    def submit(self, requests: Sequence[WbReq]) -> None:
        """Let the requests wait for `carry`."""
        for req in requests:
            self.io[req] = Io.PENDING

    def carry(self, req: WbReq, error: int = 0) -> None:
        """Do the write of a pending request, or fail it with garbage on the block."""
        assert self.io[req] is Io.PENDING, "a request is written once"
        assert self._staging is not None, "there is memory for one page"
        self._staging[:] = GARBAGE if error else req.page
        written = self._device.write(req.blk_idx, [self._staging])
        assert written == PAGE_SIZE, "the device of a stepped run does not fail by itself"
        req.error = error
        self.io[req] = Io.ERROR if error else Io.OK
        self._observer("device_error" if error else "device_ok", req.blk_idx)

    def queue(self, req: WbReq) -> None:
        """Put the answer on the done queue; the callback stays inside."""
        assert self.io[req] in (Io.OK, Io.ERROR), "only what the device has answered is queued"
        req.phase = Phase.ANSWERED
        self.io[req] = Io.INSIDE
        self._observer("endio_queue", req.number)

    def leave(self, req: WbReq) -> None:
        """Let the callback leave."""
        assert self.io[req] is Io.INSIDE, "a callback leaves once"
        del self.io[req]  # so that the answers are handed over in the order in which the callbacks left
        self.io[req] = Io.LEFT
        self._observer("endio_leave", req.number)

    def answered(self, wait: bool = False) -> list[WbReq]:
        """Hand over what the callbacks have left behind; who waits, as a reset does, has everything carried now."""
        if wait:
            assert self.io, "who waits has a request in flight"
            self._wait()
        done = [req for req, io in self.io.items() if io is Io.LEFT]
        for req in done:
            del self.io[req]
        return done

    def finish(self) -> None:
        """Carry everything to the end, in order."""
        for req in list(self.io):
            if self.io[req] is Io.PENDING:
                self.carry(req)
            if self.io[req] in (Io.OK, Io.ERROR):
                self.queue(req)
            if self.io[req] is Io.INSIDE:
                self.leave(req)

    def close(self) -> None:
        """Give the memory back."""
        self._buffers.close()
