"""An engine that has no memory for one more request."""

from collections.abc import Sequence

from zram_impl.engine.protocol import Engine
from zram_impl.engine.request import WbReq
from zram_impl.faults.choosing import always
from zram_impl.faults.operation import Chosen, Operation, Selection


class ScarceBuffers:
    """An engine around another; selected allocations (of kind "allocate") get no buffer.

    The first allocation is the one that a pass begins with, and cannot do without.
    """

    def __init__(self, engine: Engine, when: Chosen = always) -> None:
        """Surround `engine`."""
        self.engine: Engine = engine
        self._selection = Selection(when)

    @property
    def selected(self) -> tuple[Operation, ...]:
        """The allocations that failed."""
        return self._selection.selected()

    @property
    def depth(self) -> int:
        """The most requests it carries at a time."""
        return self.engine.depth

    def buffer(self) -> memoryview | None:
        """Hand out a buffer, or none."""
        return self.engine.buffer() if self._selection.select("allocate") is None else None

    def release(self, page: memoryview) -> None:
        """Take a buffer back."""
        self.engine.release(page)

    def submit(self, requests: Sequence[WbReq]) -> None:
        """Start the writes."""
        self.engine.submit(requests)

    def answered(self, wait: bool = False) -> list[WbReq]:
        """Return and forget the answered requests."""
        return self.engine.answered(wait)

    def close(self) -> None:
        """Close the engine."""
        self.engine.close()
