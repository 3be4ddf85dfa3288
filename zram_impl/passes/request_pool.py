"""Requests of a pass: made one by one, as they are needed, each with a buffer of the engine's."""

from collections.abc import Iterable

from zram_impl.engine.protocol import Engine
from zram_impl.engine.request import Phase, WbReq
from zram_impl.table.shared import Shared
from zram_impl.units import BlkIdx


def request_of(engine: Engine, number: int) -> WbReq | None:
    """Make a request with a buffer of the engine's; None when there is no memory for either."""
    page = engine.buffer()
    if page is None:
        return None
    try:
        return WbReq(number, page)
    except MemoryError:
        engine.release(page)
        return None


def give_back(requests: Iterable[WbReq], held_block: BlkIdx | None, shared: Shared) -> None:
    """Release the blocks of a pass that no slot owns yet, and refund what they were charged to."""
    if held_block is not None:
        shared.blocks.release(held_block)
    for req in requests:
        if req.phase >= Phase.FLIGHT:
            shared.blocks.release(req.blk_idx)
            if req.grant:
                shared.budget.refund(req.grant)
