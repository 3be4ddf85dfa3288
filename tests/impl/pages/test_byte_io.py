"""The device as its users have it: bytes, pages, writeback calls, statistics."""

import array
import errno
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.impl.doubles import Bench, HookedDevice, huge, page, same
from tests.refused import refused
from zram_impl import PAGE_SIZE, WritebackResult, Zram
from zram_impl.engine.sync import SyncEngine
from zram_impl.pages.stats import BdStat, MmStat, Stats

PAGES = 4
SIZE = PAGES * PAGE_SIZE


# Pages and bytes


@pytest.mark.parametrize(
    "given_as", [bytes, bytearray, memoryview, lambda data: memoryview(array.array("I", data))],
    ids=["bytes", "bytearray", "memoryview", "memoryview of ints"],
)  # fmt: skip
def test_a_page_is_taken_from_any_buffer(given_as: type[bytearray]) -> None:
    bench = Bench()
    bench.dev.write_page(1, given_as(huge(1)))
    bench.dev.write_pages(2, given_as(huge(2)))
    bench.dev.write(3 * PAGE_SIZE, given_as(huge(3)))
    assert [bench.dev.read_page(number) for number in (1, 2, 3)] == [huge(1), huge(2), huge(3)]


def test_a_stored_page_does_not_change_with_the_callers_buffer() -> None:
    bench, buffer = Bench(), bytearray(huge(1))
    bench.dev.write_page(1, buffer)
    buffer[0] ^= 1
    assert bench.dev.read_page(1) == huge(1)


def test_bytes_across_pages_come_back() -> None:
    bench = Bench()
    bench.dev.write(PAGE_SIZE - 3, b"abcdefgh")
    assert bench.dev.read(PAGE_SIZE - 4, 10) == b"\0abcdefgh\0"


@pytest.mark.parametrize(
    ("offset", "length", "freed"),
    [(0, 3 * PAGE_SIZE, [0, 1, 2]), (1, 2 * PAGE_SIZE, [1]), (1, PAGE_SIZE, []), (0, PAGE_SIZE - 1, []), (0, 0, [])],
)
def test_a_discard_frees_whole_pages_and_leaves_parts_alone(offset: int, length: int, freed: list[int]) -> None:
    bench = Bench(pages=3).store(0, 1, 2)
    bench.dev.discard(offset, length)
    assert [bench.dev.read_page(n) for n in range(3)] == [bytes(PAGE_SIZE) if n in freed else page(n) for n in range(3)]
    assert bench.snapshot.pages_stored == 3 - len(freed)


def test_a_write_of_zeroes_frees_whole_pages_and_zeroes_parts() -> None:
    bench = Bench(pages=3).store(0, 1, 2)
    bench.dev.write_zeroes(PAGE_SIZE - 2, PAGE_SIZE + 4)
    expected = page(0)[:-2] + bytes(PAGE_SIZE + 4) + page(2)[2:]
    assert (bench.dev.read(0, 3 * PAGE_SIZE), bench.snapshot.pages_stored) == (expected, 2)


CALLS = st.one_of(
    st.tuples(st.just("write"), st.integers(0, SIZE), st.binary(max_size=2 * PAGE_SIZE)),
    st.tuples(st.just("fill"), st.integers(0, SIZE), st.integers(0, SIZE).map(lambda n: b"\7" * n)),
    st.tuples(st.sampled_from(["discard", "zeroes"]), st.integers(0, SIZE), st.integers(0, SIZE).map(bytes)),
    st.tuples(st.just("writeback"), st.integers(0, PAGES - 1), st.just(b"")),
)


@given(st.lists(CALLS, max_size=12))
def test_the_device_is_an_array_of_bytes(calls: list[tuple[str, int, bytes]]) -> None:
    backing, model = HookedDevice(2), bytearray(SIZE)
    with Zram.create(SIZE, backing=backing, engine=lambda device, _runtime: SyncEngine(device)) as dev:
        for call, at, given_data in calls:
            data = given_data[: SIZE - at]
            match call:
                case "write" | "fill":
                    dev.write(at, data)
                    model[at : at + len(data)] = data
                case "zeroes":
                    dev.write_zeroes(at, len(data))
                    model[at : at + len(data)] = bytes(len(data))
                case "discard":
                    dev.discard(at, len(data))
                    lo, hi = -(-at // PAGE_SIZE) * PAGE_SIZE, (at + len(data)) // PAGE_SIZE * PAGE_SIZE
                    model[lo:hi] = bytes(max(0, hi - lo))
                case _:
                    dev.writeback(pages=[at])
            assert dev.read(0, SIZE) == model


# Writeback


def test_a_mode_writes_what_bears_its_marks() -> None:
    bench = Bench().store(0, 1).store_huge(2)
    bench.dev.mark_idle()
    bench.dev.write_page(3, huge(3))
    bench.dev.read_page(0)
    assert bench.dev.writeback("huge_idle") == WritebackResult(selected=1, written=1)
    assert bench.dev.writeback("idle") == WritebackResult(selected=1, written=1)
    assert bench.dev.writeback("huge") == WritebackResult(selected=1, written=1)
    assert bench.dev.writeback("incompressible") == WritebackResult()
    assert [slot.blk_idx for slot in bench.snapshot.slots[:4]] == [None, 1, 0, 2]


def test_pages_and_ranges_name_what_is_written() -> None:
    bench = Bench(batch_size=8).store(*range(8))
    assert bench.dev.writeback(pages={7}, ranges=[(1, 2), (2, 3)]) == WritebackResult(selected=4, written=4)
    assert [n for n, slot in enumerate(bench.snapshot.slots) if slot.blk_idx is not None] == [1, 2, 3, 7]


def test_progress_is_reported_until_everything_is_settled() -> None:
    bench, seen = Bench(batch_size=2), list[tuple[int, int]]()
    bench.store(0, 1, 2)
    bench.dev.writeback(pages=[0, 1, 2], progress=lambda settled, selected: seen.append((settled, selected)))
    assert (seen[-1], seen) == ((3, 3), sorted(seen))


def test_an_event_set_before_the_call_cancels_it() -> None:
    bench, cancel = Bench(), Event()
    bench.store(0, 1)
    cancel.set()
    assert bench.dev.writeback(pages=[0, 1], cancel=cancel) == WritebackResult()


def test_without_a_backing_device_there_is_no_writeback() -> None:
    with Zram.create(SIZE) as dev, refused(errno.ENODEV, "there is no backing device"):
        dev.writeback("no such mode")  # type: ignore[arg-type]  # not a mode


def test_scans_are_refused_without_a_backing_device_too() -> None:
    with Zram.create(SIZE) as dev, refused(errno.ENODEV, "there is no backing device"):
        dev.begin_writeback(scans=[])


# Statistics


def test_statistics_of_a_device_without_pages_are_zero() -> None:
    assert Zram().stats == Stats(MmStat(), BdStat())


def test_statistics_count_what_there_is() -> None:
    bench = Bench()
    dev = bench.dev
    dev.write_page(0, same(1))
    dev.write_page(1, huge(1))
    dev.write_page(2, huge(2))
    dev.write_page(3, page(3))
    dev.writeback(pages=[2])
    dev.read_page(2)
    dev.write_page(4, huge(4))
    dev.discard(4 * PAGE_SIZE, PAGE_SIZE)
    small = bench.snapshot.slots[3].size
    stats = dev.stats
    assert stats.bd == BdStat(bd_count=1, bd_reads=1, bd_writes=1)
    assert stats.mm._replace(mem_used_total=0, mem_used_max=0) == MmStat(
        orig_data_size=4 * PAGE_SIZE,
        compr_data_size=PAGE_SIZE + small,
        same_pages=1,
        huge_pages=1,
        huge_pages_since=3,
    )


def test_blocks_held_and_in_flight_count_as_used() -> None:
    bench = Bench().store(0, 1)
    running = bench.dev.begin_writeback(pages=[0, 1])
    counts = []
    for _ in range(8):
        running.advance(1)
        counts.append(bench.dev.stats.bd.bd_count)
    assert counts == [0, 0, 0, 0, 1, 1, 1, 2]


def test_statistics_and_limit_stores_never_wait_for_a_pass() -> None:
    bench = Bench().store(0, 1)
    running = bench.dev.begin_writeback(pages=[0, 1])
    running.advance()
    running.advance()
    with running._lock:
        bench.dev.set_writeback_limit(3)
        bench.dev.enable_writeback_limit(True)
        bench.dev.set_batch_size(1)
        seen = (bench.dev.stats.bd, bench.dev.attrs.show("bd_stat"), len(bench.dev.block_state()) > 0)
    assert seen == (BdStat(2, 0, 0), "       2        0        0\n", True)


# Making one


def test_create_makes_the_file_and_leaves_it_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "pages.img"
    with Zram.create("64K", backing=path, backing_size="32K", batch_size=7) as dev:
        made = (dev.disksize, dev.pages, dev.algorithm, dev.batch_size, dev.backing_name)
        dev.write_page(0, page(1))
        assert dev.writeback(pages=[0]).written == 1
    assert made == (64 << 10, 16, "lz4", 7, str(path))
    assert path.read_bytes() == page(1) + bytes((32 << 10) - PAGE_SIZE)


def test_create_rounds_the_size_up_to_whole_pages() -> None:
    with Zram.create(PAGE_SIZE + 1) as dev:
        assert (dev.pages, dev.disksize) == (2, 2 * PAGE_SIZE)


def test_without_backing_size_all_of_an_existing_file_is_used(tmp_path: Path) -> None:
    path = tmp_path / "pages.img"
    path.write_bytes(bytes(3 * PAGE_SIZE + 5))
    with Zram.create("64K", backing=path) as dev:
        assert len(dev.snapshot().blocks) == 3
    assert path.stat().st_size == 3 * PAGE_SIZE + 5


@pytest.mark.parametrize("offset", [SIZE, 2**63 - PAGE_SIZE, 2**63, 2**64 - PAGE_SIZE, 2**64, 2**70])
def test_a_range_whose_end_overflows_is_refused(offset: int) -> None:
    """The driver's answers of p7_offset_overflow and byte_edges, where no sum of 63 or 64 bits wraps."""
    bench = Bench(pages=PAGES).store(0, 1)
    before = bench.snapshot
    for call in (
        lambda: bench.dev.read(offset, PAGE_SIZE),
        lambda: bench.dev.write(offset, bytes(PAGE_SIZE)),
        lambda: bench.dev.discard(offset, PAGE_SIZE),
        lambda: bench.dev.write_zeroes(offset, PAGE_SIZE),
        lambda: bench.dev.discard(PAGE_SIZE, offset),
        lambda: bench.dev.write_zeroes(PAGE_SIZE, offset),
    ):
        with refused(errno.EINVAL):
            call()
        assert bench.snapshot == before
