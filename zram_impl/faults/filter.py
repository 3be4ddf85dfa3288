"""What all filters of backing devices share: what they surround, and which operations they strike."""

from collections.abc import Sequence

from zram_impl.bdev.device import BackingDevice
from zram_impl.faults.choosing import always
from zram_impl.faults.operation import Chosen, Kind, Operation, Strikes
from zram_impl.units import PAGE_SIZE


class Filter:
    """A backing device around another, but for `write`, `read` and `sync`: those are a fault's own to define."""

    def __init__(self, device: BackingDevice, when: Chosen = always) -> None:
        """Surround `device`, and strike what `when` chooses among the operations that this fault is about."""
        self.device = device
        self._strikes = Strikes(when)

    @property
    def when(self) -> Chosen:
        """Which operations are struck. May be replaced at any time; holds for those that begin afterwards."""
        return self._strikes.when

    @when.setter
    def when(self, when: Chosen) -> None:
        self._strikes.when = when

    @property
    def struck(self) -> tuple[Operation, ...]:
        """The operations struck so far, in the order in which they began."""
        return self._strikes.struck()

    @property
    def name(self) -> str:
        """What it surrounds is called."""
        return self.device.name

    @property
    def blocks(self) -> int:
        """Blocks of what it surrounds."""
        return self.device.blocks

    def close(self) -> None:
        """Close what it surrounds."""
        self.device.close()

    def strike(self, kind: Kind, blk_idx: int = 0, pages: int = 0) -> Operation | None:
        """Count an operation that begins; return it when it is to be struck."""
        return self._strikes.strike(kind, blk_idx, pages)

    def strike_read(self, blk_idx: int, into: memoryview) -> Operation | None:
        """Count a read that begins; return it when it is to be struck."""
        return self._strikes.strike("read", blk_idx, len(into) // PAGE_SIZE)


class WritesThrough(Filter):
    """A filter whose fault is not about writes."""

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write through."""
        return self.device.write(blk_idx, pages)


class ReadsThrough(Filter):
    """A filter whose fault is not about reads."""

    def read(self, blk_idx: int, into: memoryview) -> None:
        """Read through."""
        self.device.read(blk_idx, into)


class SyncsThrough(Filter):
    """A filter whose fault is not about syncs."""

    def sync(self) -> None:
        """Sync through."""
        self.device.sync()
