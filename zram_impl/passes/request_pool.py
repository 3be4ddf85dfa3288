"""The requests of a writeback pass, made one by one as they are needed, each with a buffer of the engine's.

Kernel: init_wb_ctl(), release_wb_ctl()
"""

from collections.abc import Sequence
from errno import ENOMEM

from zram_impl.engine.protocol import Engine
from zram_impl.engine.request import Phase, WbReq
from zram_impl.errors import refuse
from zram_impl.page_memory import page_memory
from zram_impl.table.shared import Shared


class RequestPool:
    """Up to `most` requests; the pass lock is held at every call but the first.

    Attributes:
        most: How many there may be.
        requests: All there are, by number.
        idle: Those that carry nothing. The first one is taken first: requests that were answered in the order of their
            pages in memory go in that order again, and a run of theirs is written from one piece of memory.
    """

    def __init__(self, engine: Engine, most: int) -> None:
        """Make the one request that a pass cannot do without; ENOMEM when there is no memory for it."""
        self._engine = engine
        self.most: int = most
        self.requests: list[WbReq] = []
        self.idle: list[WbReq] = []
        if not self._grow():
            raise refuse(ENOMEM, "no memory for a single write request")

    def take(self) -> WbReq | None:
        """Return an idle request, a new one if there may be one more; None when all are busy, or memory is short."""
        if not self.idle and not (len(self.requests) < self.most and self._grow()):
            return None
        req = self.idle.pop(0)
        req.phase = Phase.HELD
        return req

    def retire(self, reqs: Sequence[WbReq]) -> None:
        """Take answered requests back; what they carried is their slots' or nobody's by now."""
        idle = Phase.IDLE
        for req in reqs:
            del req.index, req.blk_idx, req.entry
            req.grant = 0
            req.phase = idle
        self.idle.extend(reqs)
        if len(self.idle) == len(self.requests):  # in the order of their pages in memory again
            self.idle[:] = self.requests

    def give(self, req: WbReq) -> None:
        """Take a held request back."""
        req.phase = Phase.IDLE
        self.idle.append(req)

    def close(self) -> None:
        """Free the requests. Nothing is in flight and no callback is inside, so nobody looks at them any more."""
        assert len(self.idle) == len(self.requests), "every submitted request was reaped"
        for req in reversed(self.requests):  # the last one that an engine gets back it hands out first
            del req.memory  # while there is one, the engine cannot give its memory back
            self._engine.release(req.page)

    def abandon(self, shared: Shared) -> None:
        """Release, in a forked child, the blocks that no slot owns yet, and refund what they were charged to."""
        for req in self.requests:
            if req.phase >= Phase.FLIGHT:
                shared.blocks.release(req.blk_idx)
                if req.grant:
                    shared.budget.refund(req.grant)

    def _grow(self) -> bool:
        page = self._engine.buffer()
        if page is None:
            return False
        try:
            req = WbReq(len(self.requests), page)
            req.memory = page_memory(page)
        except MemoryError:
            self._engine.release(page)
            return False
        self.requests.append(req)
        self.idle.append(req)
        return True
