"""Holds of each lock by each call: one hold a decision, and none that is not needed.

What is looked at and what is done about it belong into one hold, and a lock that is released in between shows here. So
does one that is taken for each page where once is enough.
"""

from collections.abc import Callable

import pytest

from tests.impl.doubles import Bench, HookedDevice, huge, page
from zram_impl import PAGE_SIZE, Zram
from zram_impl.block_layer import Node

Call = Callable[[Zram], object]


def prepared(*, observed: bool) -> Bench:
    """Pages 0 to 3 in memory, of which 1 does not compress, 4 and 5 written back, 6 and 7 empty."""
    bench = Bench(observer=(lambda _kind, *_args: None) if observed else None)
    for index in (0, 2, 3, 4, 5):
        bench.dev.write_page(index, page(index))
    bench.dev.write_page(1, huge(1))
    bench.dev.writeback(pages=[4, 5])
    return bench


def after_a_reset(call: Call) -> Call:
    def both(dev: Zram) -> None:
        dev.reset()
        call(dev)

    return both


RESET = {"control": 1, "table": 2, "openers": 2, "backing reads ended": 1}
PASS = {"control": 1, "pass ended": 1}

# Without an observer; a read that is observed takes the table lock, too, in which it is reported.
CALLS: dict[str, tuple[Call, dict[str, int]]] = {
    "block_state": (Zram.block_state, {"table": 1}),
    "close": (Zram.close, {"control": 1, "table": 1, "backing reads ended": 1}),
    "compact": (Zram.compact, {"table": 1, "compaction": 1}),
    "discard of 2 pages": (lambda dev: dev.discard(0, 2 * PAGE_SIZE), {"table": 1}),
    "enable_writeback_limit": (lambda dev: dev.enable_writeback_limit(True), {"table": 1}),
    "mark_idle": (Zram.mark_idle, {"table": 1}),
    "mark_idle by age": (lambda dev: dev.mark_idle(age_seconds=0), {"table": 1}),
    "open and close": (lambda dev: Node(dev).open().close(), {"openers": 1}),
    "reset": (Zram.reset, RESET),
    "reset_mem_used_max": (Zram.reset_mem_used_max, {"control": 1, "table": 1}),
    "set_algorithm": (after_a_reset(lambda dev: dev.set_algorithm("zstd")), RESET | {"control": 2}),
    "set_backing": (after_a_reset(lambda dev: dev.set_backing(HookedDevice())), RESET | {"control": 2}),
    "set_batch_size": (lambda dev: dev.set_batch_size(2), {"control": 1}),
    "set_mem_limit": (lambda dev: dev.set_mem_limit(0), {"control": 1, "table": 1}),
    "set_writeback_limit": (lambda dev: dev.set_writeback_limit(1), {"table": 1}),
    "slot": (lambda dev: dev.slot(0), {"table": 1}),
    "slot_free_notify": (lambda dev: dev.slot_free_notify(0), {"table": 1}),
    "snapshot": (Zram.snapshot, {"table": 1}),
    "stats": (lambda dev: dev.stats, {"table": 1}),
    "write of a part": (lambda dev: dev.write(1, b"x"), {"table": 1}),
    "write_page": (lambda dev: dev.write_page(0, page(1)), {"table": 1}),
    "write_page, zeros": (lambda dev: dev.write_page(0, bytes(PAGE_SIZE)), {"table": 1}),
    "write_page, written back": (lambda dev: dev.write_page(4, huge(4)), {"table": 1}),
    "write_pages of 4 pages": (lambda dev: dev.write_pages(0, page(1) * 4), {"table": 1}),
    "write_zeroes of 2 pages": (lambda dev: dev.write_zeroes(0, 2 * PAGE_SIZE), {"table": 1}),
    "writeback of huge": (lambda dev: dev.writeback("huge"), PASS | {"table": 6, "pass": 6}),
    "writeback of 3 pages": (lambda dev: dev.writeback(pages=[0, 2, 3]), PASS | {"table": 6, "pass": 6}),
    "writeback of nothing": (lambda dev: dev.writeback(pages=[7]), PASS | {"table": 3, "pass": 2}),
}
READS: dict[str, tuple[Call, dict[str, int], int]] = {
    "read of a part": (lambda dev: dev.read(1, 1), {}, 1),
    "read_page, empty": (lambda dev: dev.read_page(7), {}, 1),
    "read_page, in memory": (lambda dev: dev.read_page(0), {}, 1),
    "read_page, written back": (lambda dev: dev.read_page(4), {"backing reads": 1}, 1),
    "read_pages_into, 3": (lambda dev: dev.read_pages_into(0, bytearray(3 * PAGE_SIZE)), {}, 3),
}
# What lies in one attribute of the device is read without a lock.
LOCK_FREE = sorted(name for name in dir(Zram) if name[0] != "_" and isinstance(getattr(Zram, name), property))


@pytest.mark.parametrize("observed", [False, True])
@pytest.mark.parametrize(("call", "expected"), CALLS.values(), ids=CALLS)
def test_each_lock_is_taken_so_often(call: Call, expected: dict[str, int], observed: bool) -> None:
    bench = prepared(observed=observed)
    with bench.clock.counting() as taken:
        call(bench.dev)
    assert taken == expected
    bench.dev.close()  # `set_backing` has given it a device to hold


@pytest.mark.parametrize(("call", "expected", "reported"), READS.values(), ids=READS)
def test_a_read_takes_the_table_lock_to_report_it(call: Call, expected: dict[str, int], reported: int) -> None:
    for bench, table in ((prepared(observed=False), {}), (prepared(observed=True), {"table": reported})):
        with bench.clock.counting() as taken:
            call(bench.dev)
        assert taken == expected | table


def test_a_recompression_takes_the_table_lock_twice_a_page() -> None:
    for pages in (2, 5):
        bench = Bench()
        bench.dev.reset()
        bench.dev.set_recomp_algorithm("zstd")
        bench.dev.initialise(8 * PAGE_SIZE)
        bench.dev.write_pages(0, page(1) * pages)
        with bench.clock.counting() as taken:
            assert bench.dev.recompress().selected == pages
        assert taken == PASS | {"table": 3 + 2 * pages, "pass": 2}


@pytest.mark.parametrize("name", [name for name in LOCK_FREE if name != "stats"])
def test_a_setting_is_read_without_a_lock(name: str) -> None:
    bench = prepared(observed=False)
    with bench.clock.counting() as taken:
        getattr(bench.dev, name)
    assert not taken
