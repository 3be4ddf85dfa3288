"""Reads that stop at two gates, and everybody else who does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stateful.common.stamped_pages import stamped
from stateful.lockstep.stepped_reads import ANSWERED, ASKED, GatedDevice, SteppedRead
from tests.stateful.lockstep.playing import put_on_block
from zram_impl import PAGE_SIZE, Zram
from zram_impl.bdev.file import open_file

PAGE = stamped(0, 1)


@pytest.fixture
def gates(tmp_path: Path) -> GatedDevice:
    return GatedDevice(open_file(tmp_path / "backing", size=2 * PAGE_SIZE))


@pytest.fixture
def device(gates: GatedDevice) -> Iterator[Zram]:
    """A device with page 0 written back and page 1 in memory."""
    with Zram.create(2 * PAGE_SIZE, backing=gates) as made:
        made.write_page(0, PAGE)
        made.write_page(1, stamped(1, 1))
        made.writeback(pages=[0])
        yield made


def test_a_read_stops_before_the_lookup_and_the_return(device: Zram, gates: GatedDevice) -> None:
    read = SteppedRead(device, gates, 0)
    assert (read.at, read.blk_idx, gates.reads) == (ASKED, 0, 1)
    read.step()
    assert (read.at, read.page) == (ANSWERED, b"")
    read.step()
    assert (read.at, read.page, read.failure, gates.readers) == (None, PAGE, None, {})


def test_a_write_between_the_gates_is_not_returned(device: Zram, gates: GatedDevice) -> None:
    before, after = SteppedRead(device, gates, 0), SteppedRead(device, gates, 0)
    after.step()
    put_on_block(gates, bytes(PAGE_SIZE))
    before.abandon()
    after.abandon()
    assert "is not what was written" in str(before.failure)
    assert after.page == PAGE


def test_a_read_from_memory_stops_nowhere(device: Zram, gates: GatedDevice) -> None:
    read = SteppedRead(device, gates, 1)
    assert (read.at, read.page) == (None, stamped(1, 1))


def test_everybody_else_reads_without_stopping(device: Zram, gates: GatedDevice) -> None:
    read = SteppedRead(device, gates, 0)
    assert (device.read_page(0), gates.peek(0), gates.reads) == (PAGE, PAGE, 2)
    read.abandon()


def test_a_failure_is_kept_for_who_steps_the_read(device: Zram, gates: GatedDevice) -> None:
    read = SteppedRead(device, gates, 7)
    assert (read.at, type(read.failure).__name__, getattr(read.failure, "errno", None)) == (None, "ZramError", 22)


def test_the_rest_of_the_protocol_goes_through(gates: GatedDevice, tmp_path: Path) -> None:
    assert (gates.name, gates.blocks) == (str(tmp_path / "backing"), 2)
    gates.sync()
    gates.close()
    open_file(tmp_path / "backing", size=None).close()
