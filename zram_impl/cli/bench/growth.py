"""Large devices: what each operation over all of a device costs by the slot, when one slot in sixteen is stored.

Processor time. On a device sixteen times as large a slot should cost as much.
"""

from collections.abc import Callable, Sequence
from time import process_time
from typing import Final, NamedTuple, TypeVar

from zram_impl.bdev.device import BackingDevice
from zram_impl.cli.bench.answers import AtOnce
from zram_impl.cli.corpus import mixed_pages
from zram_impl.cli.stop import Stop
from zram_impl.units import PAGE_SIZE
from zram_impl.zram import Zram

T = TypeVar("T")

STORED: Final = 16
"""One slot in so many is stored."""
_CORPUS: Final = 1024


class Forgetful:
    """Blocks that keep nothing: many of them, for a pass whose pages nobody reads back."""

    name = "forgetful"

    def __init__(self, blocks: int) -> None:
        """Have `blocks` blocks."""
        self.blocks: int = blocks

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Keep nothing."""
        del blk_idx
        return len(pages) * PAGE_SIZE

    def read(self, blk_idx: int, into: memoryview) -> None:
        """Read zeros."""
        del blk_idx
        into[:] = bytes(len(into))

    def sync(self) -> None:
        """Nothing is to be made durable."""

    def close(self) -> None:
        """Do nothing."""


class Growth(NamedTuple):
    """Nanoseconds a slot, those of the pass a stored slot."""

    create: float
    idle: float
    writeback: float
    block_state: float
    compact: float


def growth(slots: int, stop: Stop) -> Growth:
    """Measure a device of `slots` slots."""
    stored = slots // STORED
    backing: BackingDevice = Forgetful(stored)
    create, device = _timed(lambda: Zram.create(slots * PAGE_SIZE, backing=backing, engine=AtOnce), stop)
    with device:
        _fill(device, slots, stop)
        idle, _ = _timed(device.mark_idle, stop)
        # Before the pass, which leaves nothing to move: every other page makes way.
        block_state, _ = _timed(device.block_state, stop)
        _free_half(device, slots)
        compact, _ = _timed(device.compact, stop)
        writeback, result = _timed(lambda: device.writeback("idle", cancel=stop.event), stop)
        stop.check()
        assert result.written == stored // 2, f"what is left is written back: {result}"
    return Growth(
        create=create / slots * 1e9,
        idle=idle / slots * 1e9,
        writeback=writeback / result.written * 1e9,
        block_state=block_state / slots * 1e9,
        compact=compact / slots * 1e9,
    )


def _fill(device: Zram, slots: int, stop: Stop) -> None:
    corpus = [page for page in mixed_pages(_CORPUS) if page[8:] != page[:-8]]
    for number, index in enumerate(range(0, slots, STORED)):
        stop.check()
        device.write_page(index, corpus[number % len(corpus)])


def _free_half(device: Zram, slots: int) -> None:
    for index in range(0, slots, 2 * STORED):
        device.slot_free_notify(index)


def _timed(do: Callable[[], T], stop: Stop) -> tuple[float, T]:
    stop.check()
    began = process_time()
    result = do()
    return process_time() - began, result
