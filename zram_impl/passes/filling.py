"""The pages of a batch on their way into the buffers of its requests, outside of every lock."""

from collections.abc import Sequence
from errno import EIO

from zram_impl.engine.request import Phase, WbReq
from zram_impl.errors import ZramError
from zram_impl.table.shared import Shared
from zram_impl.units import PAGE_SIZE


def filled(shared: Shared, batch: Sequence[WbReq]) -> tuple[list[WbReq], list[WbReq]]:
    """Fill the buffers; return the requests to be written, and those whose page cannot be had: ANSWERED, with EIO."""
    decode = _padded if shared.compressed else shared.decode
    unpack_into = None if shared.compressed else shared.unpack_into
    ready, failed = list[WbReq](), list[WbReq]()
    for req in batch:
        entry = req.entry
        if (
            unpack_into is not None
            and type(entry) is bytes
            and (size := len(entry)) < PAGE_SIZE
            and unpack_into(entry, req.memory, size, PAGE_SIZE) == PAGE_SIZE
        ):
            ready.append(req)
            continue
        try:
            req.page[:] = decode(entry)
        except (ZramError, MemoryError):  # a write that failed before it began
            req.error, req.phase = EIO, Phase.ANSWERED
            failed.append(req)
            continue
        ready.append(req)
    return ready, failed


def _padded(stored: bytes) -> bytes:
    """Return the object with zeros behind it: a reused buffer's rest is another page's."""
    return stored.ljust(PAGE_SIZE, b"\0")
