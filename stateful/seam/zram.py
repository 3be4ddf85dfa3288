"""Our device as an adapter of the seam. A class derived from `Zram` is one as well: `adapter_of(Derived)`."""

import errno
from collections.abc import Sequence
from typing import Final

from stateful.seam.protocol import DeviceState, PassReport, Setup
from zram_impl import PAGE_SIZE, WritebackResult, Zram, ZramError
from zram_impl.engine.sync import SyncEngine

_LETTERS: Final = ".sSPW"


class ZramUnderTest:
    """An initialised `Zram`.

    Attributes:
        zram: The device.
        result: Of its last pass.
    """

    capabilities: Final = frozenset({"events", "runtime", "backing", "batch", "limit", "modes", "zram"})

    def __init__(self, device: Zram) -> None:
        self.zram = device
        self.result = WritebackResult()

    def write(self, page: int, content: bytes) -> None:
        """Store a page."""
        if len(content) != PAGE_SIZE:
            raise ZramError(errno.EINVAL, f"content must be {PAGE_SIZE} bytes, got {len(content)}")
        self.zram.write_page(page, content)

    def discard(self, page: int) -> None:
        """Free a page."""
        self.zram.discard(page * PAGE_SIZE, PAGE_SIZE)

    def read(self, page: int) -> bytes:
        """Return a page."""
        return self.zram.read_page(page)

    def writeback(self, pages: Sequence[int]) -> PassReport:
        """Write pages back."""
        return self._over(self.zram.writeback(pages=pages))

    def _over(self, r: WritebackResult) -> PassReport:
        self.result = r
        return PassReport(r.selected, r.written, r.lost, r.failed, r.skipped, r.left)

    def mark_idle(self) -> None:
        """Mark every page idle."""
        self.zram.mark_idle()

    def writeback_mode(self, mode: str) -> PassReport:
        """Write back by mode."""
        return self._over(self.zram.writeback(mode))  # type: ignore[arg-type]  # the seam's modes are texts

    def set_limit(self, blocks: int | None) -> None:
        """Limit the blocks of passes."""
        if blocks is not None:
            self.zram.set_writeback_limit(blocks)
        self.zram.enable_writeback_limit(enabled=blocks is not None)

    def state(self) -> DeviceState:
        """Say what it is like."""
        now = self.zram.snapshot()
        counts = {"stored": now.pages_stored, "same": now.same_pages, "huge": now.huge_pages, "bd_count": now.bd_count}
        return DeviceState(
            "".join(_LETTERS[slot.kind] for slot in now.slots),
            frozenset(block for block, used in enumerate(now.blocks) if used),
            now.limit if now.limit_enabled else None,
            counts,
        )

    def close(self) -> None:
        """Close it."""
        self.zram.close()


class ZramAdapter:
    """A factory of devices of one class."""

    capabilities: Final = ZramUnderTest.capabilities

    def __init__(self, kind: type[Zram]) -> None:
        self.zram: Final = kind

    def __call__(self, setup: Setup) -> ZramUnderTest:
        """Make a device that is; it writes where the pass runs, so that it reports everything in order."""
        device = self.zram(
            runtime=setup.runtime,
            observer=setup.report,
            engine=lambda backing, _runtime: SyncEngine(backing, depth=setup.batch, observer=setup.report),
        )
        device.set_backing(setup.backing)
        device.set_batch_size(setup.batch)
        device.initialise(setup.pages * PAGE_SIZE)
        return ZramUnderTest(device)


def adapter_of(kind: type[Zram]) -> ZramAdapter:
    """Return the factory of a class derived from `Zram`."""
    return ZramAdapter(kind)


ours: Final = ZramAdapter(Zram)
