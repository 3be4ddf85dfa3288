"""An engine that answers as the recorded kernel was seen to: when a pass waits, everything in flight is answered.

So a replay has one outcome. Without waiting nothing is ever answered, however long ago it was submitted.
"""

from typing import Final

from stateful.common.held_engine import HeldEngine
from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.request import WbReq

DEPTH: Final = 1 << 20
"""Requests it carries at most: more than any device of a recording has pages."""


class TogetherEngine(HeldEngine):
    """Writes what is in flight when somebody waits, in the order of submission."""

    def __init__(self, device: BackingDevice) -> None:
        super().__init__(device, DEPTH)

    def answered(self, wait: bool = False) -> list[WbReq]:
        """Write everything in flight if somebody waits for it, and return it, last one first, as the driver reaps."""
        if not wait:
            return []
        done = list(self.held)
        for request in done:
            self.answer_one(request)
        return done[::-1]
