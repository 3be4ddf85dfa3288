"""An engine that answers writes in a random order, and fails those that a fault selects."""

import random
from collections.abc import Callable
from typing import Final

from stateful.common.held_engine import HeldEngine
from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.request import WbReq

DEPTH: Final = 64

Fault = Callable[[WbReq], int]
"""Says with which errno the write of a request fails, 0 if it does not."""


class OrderedEngine(HeldEngine):
    """Answers some of what is in flight whenever it is asked, at least one when asked to wait.

    Every write is a real one, to a real device. Without `order` it answers everything in the order of submission.
    """

    def __init__(self, device: BackingDevice, fault: Fault, order: random.Random | None, memory: int = DEPTH) -> None:
        """Write to `device`; `order` decides which of the requests in flight are answered next."""
        super().__init__(device, memory)
        self._fault = fault
        self._order = order

    def answered(self, wait: bool = False) -> list[WbReq]:
        """Write some, and hand them back."""
        if self._order is None:
            chosen = list(self.held)
        else:
            least = min(1, len(self.held)) if wait else 0
            chosen = self._order.sample(self.held, self._order.randint(least, len(self.held)))
        for request in chosen:
            self.answer_one(request, self._fault(request))
        return chosen
