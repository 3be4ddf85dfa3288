"""Operations that wait until they are released: a device that is suspended, or hangs."""

from collections.abc import Sequence

from zram_impl.bdev.device import BackingDevice
from zram_impl.faults.choosing import always
from zram_impl.faults.filter import Filter
from zram_impl.faults.operation import Chosen, Operation
from zram_impl.runtime import Rank, Runtime, ThreadRuntime


class Gated(Filter):
    """A gate before the device. It is open at first; after `hold`, selected operations wait there before they begin.

    A caller that waits for an operation (a pass, a reset, `close`) waits for the gate: `close` hangs while the gate
    holds, as with hardware that does not answer.
    """

    def __init__(self, device: BackingDevice, when: Chosen = always, *, runtime: Runtime | None = None) -> None:
        """Surround `device`; those who wait do it in `runtime`."""
        super().__init__(device, when)
        self._gate = (runtime or ThreadRuntime()).condition("gate", Rank.ENGINE)
        # Guarded by _gate: whether it holds, who waits, who was released, and how many of those to come will be.
        self._holds = False
        self._waiting: list[Operation] = []
        self._free: list[Operation] = []
        self._permits = 0

    def hold(self) -> None:
        """Hold selected operations from now on."""
        with self._gate:
            self._holds = True

    def open(self) -> None:
        """Release all operations, waiting ones and later ones."""
        with self._gate:
            self._holds, self._permits = False, 0
            self._release_waiting(len(self._waiting))

    def release(self, count: int = 1) -> None:
        """Release `count` operations, waiting ones first; the gate holds the others."""
        with self._gate:
            self._permits += max(0, count - len(self._waiting))
            self._release_waiting(count)

    def _release_waiting(self, count: int) -> None:
        self._free += self._waiting[:count]
        del self._waiting[:count]
        self._gate.notify_all()

    @property
    def waiting(self) -> tuple[Operation, ...]:
        """The operations at the gate, in the order of their arrival."""
        with self._gate:
            return tuple(self._waiting)

    def wait_for(self, count: int = 1, timeout: float | None = None) -> bool:
        """Wait until `count` operations stand at the gate; False when that takes longer than `timeout` seconds."""
        with self._gate:
            return self._gate.wait_for(lambda: len(self._waiting) >= count, timeout)

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write, once released."""
        self._pass(self.select("write", blk_idx, len(pages)))
        return self.device.write(blk_idx, pages)

    def read(self, blk_idx: int, into: memoryview) -> None:
        """Read, once released."""
        self._pass(self.select_read(blk_idx, into))
        self.device.read(blk_idx, into)

    def sync(self) -> None:
        """Sync, once released."""
        self._pass(self.select("sync"))
        self.device.sync()

    def _pass(self, selected: Operation | None) -> None:
        if selected is None:
            return
        with self._gate:
            if not self._holds:
                return
            self._waiting.append(selected)
            if self._permits:
                self._permits -= 1
                self._release_waiting(1)
            self._gate.notify_all()
            self._gate.wait_for(lambda: selected in self._free)
            self._free.remove(selected)
