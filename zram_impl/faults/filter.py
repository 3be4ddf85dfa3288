"""The base of all filters of backing devices."""

from collections.abc import Sequence

from zram_impl.bdev.device import BackingDevice
from zram_impl.faults.choosing import always
from zram_impl.faults.operation import Chosen, Kind, Operation, Selection
from zram_impl.units import PAGE_SIZE


class Filter:
    """A backing device around another. A fault defines `write`, `read` and `sync`."""

    def __init__(self, device: BackingDevice, when: Chosen = always) -> None:
        """Surround `device`; the operations that `when` selects fail."""
        self.device: BackingDevice = device
        self._selection = Selection(when)

    @property
    def when(self) -> Chosen:
        """Chooser of the operations that fail. It may be replaced at any time, for operations that begin afterwards."""
        return self._selection.when

    @when.setter
    def when(self, when: Chosen) -> None:
        self._selection.when = when

    @property
    def selected(self) -> tuple[Operation, ...]:
        """The operations selected so far, in the order in which they began."""
        return self._selection.selected()

    @property
    def name(self) -> str:
        """Name of the device that it surrounds."""
        return self.device.name

    @property
    def blocks(self) -> int:
        """Blocks of what it surrounds."""
        return self.device.blocks

    def close(self) -> None:
        """Close what it surrounds."""
        self.device.close()

    def select(self, kind: Kind, blk_idx: int = 0, pages: int = 0) -> Operation | None:
        """Count an operation that begins; return it when it is to be selected."""
        return self._selection.select(kind, blk_idx, pages)

    def select_read(self, blk_idx: int, into: memoryview) -> Operation | None:
        """Count a read that begins; return it when it is to be selected."""
        return self._selection.select("read", blk_idx, len(into) // PAGE_SIZE)


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
