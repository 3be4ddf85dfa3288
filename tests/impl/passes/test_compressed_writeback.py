"""Compressed writeback: what is on the blocks, and how it comes back."""

import errno
from pathlib import Path

import pytest

from tests.impl.doubles import Bench, huge, page
from tests.refused import refused
from zram_impl import PAGE_SIZE, Zram
from zram_impl.device.snapshot import Snapshot


def written_back(compressed: bool = True) -> Bench:
    """Pages 1 (an object) and 2 (huge) are on blocks 1 and 0: the largest goes first."""
    bench = Bench(pages=4, compressed=compressed).store(1).store_huge(2)
    assert bench.dev.writeback(pages=[1, 2]).written == 2
    return bench


def stored_object(number: int) -> bytes:
    """Return the object of a page."""
    entry = Bench().store(number).pages.table.entries[number]
    assert isinstance(entry, bytes)
    return entry


def test_a_block_carries_the_object_and_zeros_behind_it() -> None:
    bench = written_back()
    assert bench.backing.block(1) == stored_object(1).ljust(PAGE_SIZE, b"\0")
    assert bench.backing.block(0) == huge(2)
    assert [bench.dev.read_page(index) for index in (1, 2)] == [page(1), huge(2)]


def test_nothing_of_the_page_before_is_left_in_a_reused_buffer() -> None:
    bench = Bench(pages=4, batch_size=1, compressed=True).store_huge(0)
    bench.store(1)
    assert bench.dev.writeback(pages=[0, 1]).written == 2
    assert bench.backing.block(1)[len(stored_object(1)) :].strip(b"\0") == b""


def test_flags_and_statistics_are_those_of_plain_writeback() -> None:
    def seen(bench: Bench) -> tuple[Snapshot, object, str]:
        bench.dev.read_page(1)
        return bench.snapshot, bench.dev.stats, bench.dev.block_state()

    assert seen(written_back(compressed=True)) == seen(written_back(compressed=False))


def test_a_written_back_object_is_patched_like_any_page() -> None:
    bench = written_back()
    bench.dev.write(PAGE_SIZE + 10, b"patch")
    assert bench.dev.read(PAGE_SIZE, PAGE_SIZE) == page(1)[:10] + b"patch" + page(1)[15:]
    assert bench.snapshot.bd_count == 1


@pytest.mark.parametrize("at", [0, 5, PAGE_SIZE - 1], ids=["in the object", "later in it", "in the padding"])
def test_a_damaged_block_is_eio_and_counted(at: int) -> None:
    bench = written_back()
    bench.backing.data[PAGE_SIZE + at] ^= 1
    with refused(errno.EIO, "page 1: block 1 of memory is not what was written"):
        bench.dev.read_page(1)
    assert bench.dev.stats.io.failed_reads == 1


def test_a_read_overtaken_by_another_object_returns_the_new_page() -> None:
    bench = written_back()

    def overtake(_block: int) -> None:
        bench.backing.before_read = lambda _block: None
        bench.dev.write_page(1, huge(9))
        assert bench.dev.writeback(pages=[1]).written == 1

    bench.backing.before_read = overtake
    assert bench.dev.read_page(1) == huge(9)


def test_a_damaged_object_is_written_and_fails_at_the_read() -> None:
    bench = Bench(compressed=True).store(1)
    bench.pages.table.entries[1] = b"\xff" * 20
    assert bench.dev.writeback(pages=[1]).written == 1
    with refused(errno.EIO, "cannot be decompressed"):
        bench.dev.read_page(1)
    assert bench.dev.stats.io.failed_reads == 1


def test_a_reset_keeps_the_setting_and_a_live_device_refuses_it(tmp_path: Path) -> None:
    dev = Zram()
    dev.set_compressed_writeback(True)
    dev.set_backing(tmp_path / "pages.img", "1M")
    dev.initialise("1M")
    with refused(errno.EBUSY, "compressed_writeback cannot be set"):
        dev.set_compressed_writeback(False)
    assert dev.compressed_writeback
    for index in range(200):
        dev.write_page(index, huge(index) if index % 3 else page(index))
    assert dev.writeback(ranges=[(0, 199)]).written == 200
    assert all(dev.read_page(index) == (huge(index) if index % 3 else page(index)) for index in range(200))
    dev.reset()
    assert dev.compressed_writeback
    dev.close()
