"""The data that a writeback pass and the device share."""

from collections.abc import Callable

from zram_impl.page_memory import UnpackInto
from zram_impl.runtime import Lock
from zram_impl.table.block_map import NextFit
from zram_impl.table.budget import Budget
from zram_impl.table.slot_table import SlotTable


class Shared:
    """The data of a device that a pass works on: everything in it is guarded by `lock`, the table lock.

    Attributes:
        lock: Guards the slot table, the block map, the budget and the statistics.
        bd_writes: Blocks written, including those whose slot was lost in flight.
        decode: From stored entry to page; called without the lock.
        unpack_into: From compressed object to page, in memory of the caller's, if that can be had; likewise.
        compressed: Blocks carry objects, padded with zeros, instead of pages; fixed for the life of the disk.
    """

    def __init__(
        self,
        lock: Lock,
        table: SlotTable,
        budget: Budget,
        decode: Callable[[bytes], bytes],
        *,
        unpack_into: UnpackInto | None,
        compressed: bool,
    ) -> None:
        self.lock: Lock = lock
        self.table: SlotTable = table
        self.blocks: NextFit = table.blocks
        self.budget: Budget = budget
        self.decode: Callable[[bytes], bytes] = decode
        self.unpack_into: UnpackInto | None = unpack_into
        self.compressed: bool = compressed
        self.bd_writes: int = 0
