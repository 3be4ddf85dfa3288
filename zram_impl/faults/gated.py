"""Operations that wait until they are let through: a device that is suspended, or hangs."""

from collections.abc import Sequence

from zram_impl.bdev.device import BackingDevice
from zram_impl.faults.choosing import always
from zram_impl.faults.filter import Filter
from zram_impl.faults.operation import Chosen, Operation
from zram_impl.runtime import Rank, Runtime, ThreadRuntime


class Gated(Filter):
    """A gate before the device: open at first; while it is shut, struck operations wait there before they begin.

    Whoever waits for an operation (a pass, a reset, `close`) waits for the gate; a device that is to be closed with
    its gate shut hangs, as it would with hardware that does not answer.
    """

    def __init__(self, device: BackingDevice, when: Chosen = always, *, runtime: Runtime | None = None) -> None:
        """Surround `device`; those who wait do it in `runtime`."""
        super().__init__(device, when)
        self._gate = (runtime or ThreadRuntime()).condition("gate", Rank.ENGINE)
        # Guarded by _gate: whether it is shut, who waits, who was let through, how many of those to come are.
        self._shut = False
        self._waiting: list[Operation] = []
        self._free: list[Operation] = []
        self._let = 0

    def shut(self) -> None:
        """Let nothing through from now on."""
        with self._gate:
            self._shut = True

    def open(self) -> None:
        """Let everything through, those that wait and those to come."""
        with self._gate:
            self._shut, self._let = False, 0
            self._let_go(len(self._waiting))

    def let(self, count: int = 1) -> None:
        """Let `count` operations through, those that wait first; the gate stays shut."""
        with self._gate:
            self._let += max(0, count - len(self._waiting))
            self._let_go(count)

    def _let_go(self, count: int) -> None:
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
        """Write, once let through."""
        self._pass(self.strike("write", blk_idx, len(pages)))
        return self.device.write(blk_idx, pages)

    def read(self, blk_idx: int, into: memoryview) -> None:
        """Read, once let through."""
        self._pass(self.strike_read(blk_idx, into))
        self.device.read(blk_idx, into)

    def sync(self) -> None:
        """Sync, once let through."""
        self._pass(self.strike("sync"))
        self.device.sync()

    def _pass(self, struck: Operation | None) -> None:
        if struck is None:
            return
        with self._gate:
            if not self._shut:
                return
            self._waiting.append(struck)
            if self._let:
                self._let -= 1
                self._let_go(1)
            self._gate.notify_all()
            self._gate.wait_for(lambda: struck in self._free)
            self._free.remove(struck)
