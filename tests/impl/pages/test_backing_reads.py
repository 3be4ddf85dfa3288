"""Reads of the backing device that are under way, and its close, which waits for them."""

import pytest

from tests.impl.aside import Aside
from tests.impl.doubles import Gate
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.pages.backing_reads import BackingReads, WasResetError
from zram_impl.runtime import ThreadRuntime
from zram_impl.units import PAGE_SIZE, BlkIdx


class Held(MemoryDevice):
    """A memory device whose reads stop at a gate."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(2)
        self._gate = gate

    def read(self, blk_idx: int, into: memoryview) -> None:  # type: ignore[explicit-override]  # typing: from 3.12 on
        """Stop, then read."""
        self._gate.stop()
        super().read(blk_idx, into)


def test_a_read_that_is_refused_by_a_close_is_not_counted() -> None:
    reads, device = BackingReads(ThreadRuntime()), MemoryDevice(2)
    assert (reads.read(device, BlkIdx(1)), reads.bd_reads) == (bytes(PAGE_SIZE), 1)
    reads.close()
    with pytest.raises(WasResetError):
        reads.read(device, BlkIdx(1))
    assert reads.bd_reads == 1


def test_close_waits_for_a_read_under_way_but_not_after_a_fork() -> None:
    reads, gate = BackingReads(ThreadRuntime()), Gate()
    reader = Aside(lambda: reads.read(Held(gate), BlkIdx(0)))
    gate.wait_for_arrival()
    try:
        assert not Aside(reads.close).ends(0.3), "a read is under way"
        reads.after_fork()
        assert Aside(reads.close).ends(), "the reader is the parent's"
    finally:
        gate.open()
        reader.join()
