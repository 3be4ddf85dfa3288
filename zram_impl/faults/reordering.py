"""Completions of operations that are under way together, in an order of one's own."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from zram_impl.bdev.device import BackingDevice
from zram_impl.faults.choosing import always
from zram_impl.faults.filter import Filter
from zram_impl.faults.operation import Chosen, Operation
from zram_impl.runtime import Rank, Runtime, ThreadRuntime

Pick = Callable[[Sequence[Operation]], int]
"""Gets the operations that are done and held back, oldest first; returns the position of the one that completes."""

_PATIENCE: Final = 0.05


def last_first(held: Sequence[Operation]) -> int:
    """Pick the one that was done last."""
    return len(held) - 1


class Reordering(Filter):
    """Holds completions back until `width` of them are together, then releases the one that `pick` names.

    As many as that must be able to come together (an engine with two threads has two writes under way), or each waits
    `patience` seconds for nobody; after that, too, it is `pick` that decides.
    """

    def __init__(
        self,
        device: BackingDevice,
        when: Chosen = always,
        *,
        pick: Pick = last_first,
        width: int = 2,
        patience: float = _PATIENCE,
        runtime: Runtime | None = None,
    ) -> None:
        """Surround `device`; those who wait do it in `runtime`, and `pick` is called with a lock of the filter held."""
        super().__init__(device, when)
        self._pick, self._width, self._patience = pick, width, patience
        self._turn = (runtime or ThreadRuntime()).condition("reordering", Rank.ENGINE)
        # Guarded by _turn: those held back, those that may go, and all in the order in which they went.
        self._held: list[Operation] = []
        self._free: list[Operation] = []
        self._completed: list[Operation] = []

    @property
    def held(self) -> tuple[Operation, ...]:
        """The operations that are done and held back, in the order in which they were done."""
        with self._turn:
            return tuple(self._held)

    @property
    def completed(self) -> tuple[Operation, ...]:
        """The selected operations in the order of their completion."""
        with self._turn:
            return tuple(self._completed)

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write, and complete when it is its turn, whatever the device answered."""
        with self._completes_in_turn(self.select("write", blk_idx, len(pages))):
            return self.device.write(blk_idx, pages)

    def read(self, blk_idx: int, into: memoryview) -> None:
        """Read, and complete when it is its turn, whatever the device answered."""
        with self._completes_in_turn(self.select_read(blk_idx, into)):
            self.device.read(blk_idx, into)

    def sync(self) -> None:
        """Sync, and complete when it is its turn, whatever the device answered."""
        with self._completes_in_turn(self.select("sync")):
            self.device.sync()

    @contextmanager
    def _completes_in_turn(self, selected: Operation | None) -> Iterator[None]:
        try:
            yield
        finally:
            if selected is not None:
                self._take_turn(selected)

    def _take_turn(self, selected: Operation) -> None:
        with self._turn:
            self._held.append(selected)
            if len(self._held) >= self._width:
                self._release_one()
            self._wait_for(selected)
            self._free.remove(selected)

    def _wait_for(self, selected: Operation) -> None:
        while not self._turn.wait_for(lambda: selected in self._free, self._patience):
            self._release_one()

    def _release_one(self) -> None:
        going = self._held.pop(self._pick(tuple(self._held)))
        self._free.append(going)
        self._completed.append(going)
        self._turn.notify_all()
