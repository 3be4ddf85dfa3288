"""The engine of a writeback pass."""

from collections.abc import Sequence
from typing import Protocol

from zram_impl.engine.request import WbReq


class Engine(Protocol):
    """Takes requests, writes their pages, hands them back in any order with `error` set.

    An engine serves one pass at a time and outlives it. It owns the page buffers: aligned for O_DIRECT, handed out
    by `buffer`, given back by `release` when a pass ends. The answering side (the driver's endio) only appends to
    the done queue and notifies under the engine's lock; the unlock is its last access to anything of the pass.

    Attributes:
        depth: The most requests it will carry at a time; more buffers than that are never handed out.
    """

    @property
    def depth(self) -> int:
        """The most requests it carries at a time."""
        ...

    def buffer(self) -> memoryview | None:
        """Hand out one page buffer; None when `depth` are out or memory for one more cannot be had."""
        ...

    def release(self, page: memoryview) -> None:
        """Take a buffer back; its request is not in flight."""
        ...

    def submit(self, requests: Sequence[WbReq]) -> None:
        """Start the writes; never blocks on the device. Requests are FLIGHT and owned by the engine until answered.

        Adjacent requests on consecutive blocks may become one device write; each is still answered on its own.
        """
        ...

    def answered(self, wait: bool = False) -> list[WbReq]:
        """Return and forget the answered requests, oldest answer first.

        With `wait`, block until there is at least one (the caller knows that one is in flight); at most a short
        while, so that the caller can look at its own state: an empty list means ask again.
        """
        ...

    def close(self) -> None:
        """Finish what is in flight, stop every thread, give the memory back. Idempotent."""
        ...
