"""The control plane, and the data path, while a pass waits for a device that does not answer.

The driver was seen to block, to hang or to act too late in each of these; the names are those of the runs. The device
here is held by a gate, and the engine and its threads are those of production.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EAGAIN, EBUSY, EINVAL
from typing import Final

import pytest

from tests.impl.aside import Aside
from tests.impl.doubles import PATIENCE, Bench, huge, page
from tests.impl.passes.driving import assert_at_rest, begin, finish, kinds, until_waiting
from tests.refused import errno_of
from zram_impl import PAGE_SIZE, WritebackResult, Zram
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.block_layer import Node
from zram_impl.faults import Gated
from zram_impl.sysfs import ATTRIBUTES

PAGES: Final = 8


class Held:
    """A device with a pass that waits at the gate of its backing device."""

    def __init__(self, batch_size: int = 2, written: int = 4) -> None:
        self.gate = Gated(MemoryDevice(PAGES))
        self.dev = Zram.create(PAGES * PAGE_SIZE, backing=self.gate, batch_size=batch_size)
        for slot in range(written):
            self.dev.write_page(slot, huge(slot))
        self.gate.hold()
        self.passing = Aside(lambda: self.dev.writeback("huge"))
        assert self.gate.wait_for(1, PATIENCE)

    def result(self) -> WritebackResult:
        """Let the device answer, and return the result of the pass."""
        self.gate.open()
        return self.passing.join()


@contextmanager
def held(batch_size: int = 2) -> Iterator[Held]:
    """A held pass over four pages."""
    made = Held(batch_size)
    try:
        yield made
    finally:
        made.gate.open()
        made.dev.close()


def test_y01_every_attribute_can_be_read_during_a_pass() -> None:
    with held() as it:
        shown = {name: it.dev.attrs.show(name) for name, attribute in ATTRIBUTES.items() if attribute.show}
        assert (shown["initstate"], shown["bd_stat"].split()[2]) == ("1\n", "0")
        assert not it.passing.over
        assert it.result().written == 4


def test_flags_are_seen_and_settings_stored_during_a_pass() -> None:
    with held() as it:
        assert it.dev.block_state().count("h") == 4
        store = it.dev.attrs.store
        for name, text in (
            ("idle", "all"), ("idle", "99999999"), ("compact", "1"), ("mem_limit", "1M"), ("mem_used_max", "0"),
            ("writeback_batch_size", "5"), ("writeback_limit", "9"), ("writeback_limit_enable", "0"),
        ):  # fmt: skip
            assert store(name, text) == len(text)
        for name, text in (("disksize", "64K"), ("comp_algorithm", "lz4"), ("backing_dev", "/dev/null")):
            assert errno_of(store, name, text) == EBUSY
        assert not it.passing.over
        assert it.result().written == 4


def test_y26_statistics_are_of_this_moment() -> None:
    with held() as it:
        before = it.dev.stats
        it.dev.write_page(7, huge(7))
        assert it.dev.stats.mm.orig_data_size == before.mm.orig_data_size + PAGE_SIZE
        assert it.dev.stats.bd.bd_count == 2
        it.result()


@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_cancelled_pass_ends_as_the_device_answers(batch_size: int) -> None:
    cancel = threading.Event()
    gate = Gated(MemoryDevice(PAGES))
    with Zram.create(PAGES * PAGE_SIZE, backing=gate, batch_size=batch_size) as dev:
        for slot in range(4):
            dev.write_page(slot, huge(slot))
        gate.hold()
        passing = Aside(lambda: dev.writeback("huge", cancel=cancel))
        assert gate.wait_for(1, PATIENCE)
        cancel.set()
        gate.open()
        result = passing.join()
        assert isinstance(result, WritebackResult)
        assert (result.written, result.left, result.stopped_by) == (batch_size, 4 - batch_size, "cancelled")


def test_a_second_pass_is_refused_at_once_and_may_be_retried() -> None:
    with held() as it:
        assert errno_of(it.dev.attrs.store, "writeback", "huge") == EAGAIN
        assert errno_of(it.dev.writeback, "huge") == EAGAIN
        assert it.result().written == 4
        assert it.dev.attrs.store("writeback", "huge") == 4


def test_y08_a_limit_of_0_stops_a_pass_that_runs() -> None:
    with held(batch_size=1) as it:
        it.dev.set_writeback_limit(0)
        it.dev.enable_writeback_limit(True)
        result = it.result()
        assert (result.written, result.left, result.stopped_by) == (1, 3, "limit")


def test_y09_enabling_the_limit_holds_for_a_pass_that_runs() -> None:
    bench = Bench(batch_size=1).store(0, 1, 2)
    bench.dev.set_writeback_limit(1)
    running = begin(bench, 0, 1, 2)
    bench.dev.enable_writeback_limit(True)
    result = finish(running)
    assert (result.written, result.left, result.stopped_by) == (2, 1, "limit")  # the first was not charged


def test_y22_a_batch_size_holds_for_the_next_pass() -> None:
    bench = Bench(batch_size=1).store(0, 1, 2)
    running = begin(bench, 0, 1)
    bench.dev.set_batch_size(2)
    until_waiting(running)
    assert len(bench.engine.held) == 1
    finish(running)
    bench.store(3, 4, 5)
    assert len(begin(bench, 2, 3, 4, 5).requests) == 2


def test_a_reset_ends_the_pass_and_excludes_others() -> None:
    with held() as it:
        resetting = Aside(it.dev.reset)
        # Only when it has begun to wait for the pass is everybody shut out; the gate holds it there.
        while it.dev.openers.available:
            pass
        assert errno_of(it.dev.reset) == EBUSY
        assert errno_of(Node(it.dev).open) == EBUSY
        assert (it.dev.stats.mm.orig_data_size, it.dev.pages) == (4 * PAGE_SIZE, PAGES)
        assert not resetting.over
        result = it.result()
        resetting.join()
        assert (result.written + result.left, result.stopped_by) == (4, "cancelled")
        assert (it.dev.pages, it.dev.backing_name) == (0, None)
        assert errno_of(it.dev.writeback, "huge") == EINVAL


def test_a_hung_device_does_not_keep_another_from_being_made() -> None:
    with held() as it, Zram.create("32K", backing=MemoryDevice(2)) as other:
        other.write_page(0, huge(0))
        assert other.writeback("huge").written == 1
        assert not it.passing.over


def test_y06_what_is_closed_is_not_set_up_again_behind_its_back() -> None:
    with held() as it:
        closing = Aside(it.dev.close)
        setting = Aside(lambda: it.dev.attrs.store("disksize", "64K"))
        it.result()
        closing.join()
        assert setting.ends()
        refused = setting.failed and errno_of(setting.join) == EBUSY
        assert refused or it.dev.pages == 16  # after the end a device is as a new one


def test_a_closed_device_waits_for_its_writes_in_flight() -> None:
    with held() as it:
        closing = Aside(it.dev.close)
        it.gate.open()
        closing.join()
        it.passing.join()
        assert (it.dev.pages, it.dev.backing_name, it.gate.waiting) == (0, None, ())
        with Node(it.dev).open() as node:
            assert node.pread(PAGE_SIZE, 0) == b""


def test_a_backing_device_may_read_statistics_as_it_writes() -> None:
    backing = MemoryDevice(PAGES)
    seen: list[str] = []
    through = backing.write
    with Zram.create("32K", backing=backing) as dev:
        dev.write_page(0, huge(0))

        def write(block: int, pages: list[memoryview]) -> int:
            seen.append(dev.attrs.show("mm_stat"))
            return through(block, pages)

        backing.write = write  # type: ignore[method-assign, assignment]  # a server that looks at its client
        assert Aside(lambda: dev.writeback("huge")).join() == WritebackResult(selected=1, written=1)
    assert len(seen) == 1


def test_a_held_read_delays_a_reset_of_its_own_node_alone() -> None:
    gate = Gated(MemoryDevice(PAGES), lambda operation: operation.kind == "read")
    with Zram.create("32K", backing=gate) as dev:
        dev.write_page(0, huge(0))
        dev.writeback("huge")
        gate.hold()
        node = Node(dev).open()
        reading = Aside(lambda: node.pread(PAGE_SIZE, 0))
        assert gate.wait_for(1, PATIENCE)
        assert errno_of(dev.reset) == EBUSY
        gate.open()
        assert reading.join() == huge(0)
        node.close()
        dev.reset()
        assert dev.pages == 0


def test_y10_a_page_discarded_in_flight_leaves_its_block_free() -> None:
    """The block keeps the bytes until it gets another page: a discard is no erasure."""
    bench = Bench().store(0)
    running = begin(bench, 0)
    bench.dev.discard(0, PAGE_SIZE)
    assert finish(running).lost == 1
    assert (bench.snapshot.bd_count, bench.dev.read_page(0)) == (0, bytes(PAGE_SIZE))
    assert bench.backing.block(0) == page(0)


def test_idle_marks_of_a_device_without_a_size_are_refused() -> None:
    with Zram() as dev:
        assert errno_of(dev.attrs.store, "idle", "all") == EINVAL
        assert errno_of(dev.attrs.store, "idle", "999999999") == EINVAL


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_pages_changed_in_flight_hold_what_was_last_written(order: tuple[int, ...]) -> None:
    bench = Bench().store_huge(*range(4))
    running = begin(bench, 0, 1, 2, 3)
    bench.dev.write_page(0, huge(7))
    bench.dev.discard(PAGE_SIZE, PAGE_SIZE)
    bench.dev.write_page(2, page(2))
    for slot in order:
        bench.engine.answer(slot)
    result = finish(running)
    assert (result.written, result.lost, kinds(bench)[:4]) == (1, 3, "S.SW")
    assert [bench.dev.read_page(slot) for slot in range(4)] == [huge(7), bytes(PAGE_SIZE), page(2), huge(3)]
    assert_at_rest(bench)
    assert bench.dev.writeback(pages=[0, 2]).written == 2
    assert [bench.dev.read_page(slot) for slot in (0, 2)] == [huge(7), page(2)]


def test_y18_when_all_writes_fail_nothing_is_lost() -> None:
    bench = Bench().store(0, 1, 2, 3).limit(4)
    running = begin(bench, 0, 1, 2, 3)
    bench.engine.answer_all(5)
    assert (finish(running).failed, bench.dev.writeback_limit, kinds(bench)[:4]) == (4, 4, "SSSS")
    assert [bench.dev.read_page(slot) for slot in range(4)] == [page(slot) for slot in range(4)]
    assert_at_rest(bench)
