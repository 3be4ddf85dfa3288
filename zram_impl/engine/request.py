"""One write request of a writeback pass: one slot, one block, one page buffer.

A request is in exactly one place at a time: idle in its pass, held by the pass's loop, in flight (owned by the
engine), or answered (on the engine's done queue until the pass reaps it). The task that has it may write its fields.

Kernel: struct zram_wb_req
"""

from enum import IntEnum

from zram_impl.page_memory import PageMemory
from zram_impl.table.entries import Stored
from zram_impl.units import BlkIdx, SlotIndex


class Phase(IntEnum):
    """Place of a request, as the driver sees it (the device's view of the I/O is the engine's)."""

    IDLE = 0
    HELD = 1
    FLIGHT = 2
    ANSWERED = 3


class WbReq:
    """A request and the buffer it owns for its whole life.

    Attributes:
        number: Position in the pass's pool, from 0; stable for the pass.
        page: PAGE_SIZE bytes, page-aligned, owned by the engine that handed it out; written by the pass before
            submission, read by the engine until it answers.
        memory: The same page, as functions of C take it; there from the making of its pool to the end of the pass.
        phase: Written by the owner of the request; the engine sets ANSWERED before it hands the request back.
        index: Slot in flight; undefined while IDLE or HELD.
        blk_idx: Block reserved for it; undefined while IDLE or HELD.
        entry: The slot's object when it was submitted; keeps the bytes alive while they are decompressed.
        grant: Budget grant it was charged to, 0 when it was not charged.
        checksum: CRC-32 of `page`, kept in the slot when the write is committed; the pass computes it during the write.
        error: 0, or the errno the device answered; written by the engine before ANSWERED.
    """

    __slots__ = ("blk_idx", "checksum", "entry", "error", "grant", "index", "memory", "number", "page", "phase")

    blk_idx: BlkIdx
    checksum: int
    entry: Stored
    error: int
    grant: int
    index: SlotIndex
    memory: PageMemory
    number: int
    page: memoryview
    phase: Phase

    def __init__(self, number: int, page: memoryview) -> None:
        self.number = number
        self.page = page
        self.phase = Phase.IDLE
        self.grant = 0
        self.error = 0
