"""Each fault by itself: what it selects, what it does, what goes through."""

from collections.abc import Callable, Iterator, Sequence
from errno import EIO, ENOSPC
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from tests.impl.aside import Aside
from tests.impl.doubles import PATIENCE
from zram_impl import PAGE_SIZE
from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.file import open_file
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.faults import (
    Corrupting,
    Delayed,
    Failing,
    Full,
    Gated,
    Operation,
    Reordering,
    ScarceThreads,
    Short,
    Torn,
    always,
    at_random,
    every_nth,
    nth,
    on_blocks,
    since,
)
from zram_impl.faults.choosing import Nth
from zram_impl.faults.prefix import aligned_pages
from zram_impl.runtime import ThreadRuntime

OLD, NEW = b"o" * PAGE_SIZE, b"n" * PAGE_SIZE


def put(device: BackingDevice, blk_idx: int, *contents: bytes) -> int:
    """Write whole pages through any device."""
    with aligned_pages(len(contents)) as pages:
        for page, content in zip(pages, contents, strict=True):
            page[:] = content
        return device.write(blk_idx, pages)


def got(device: BackingDevice, blk_idx: int, pages: int = 1) -> bytes:
    """Read whole pages through any device."""
    into = bytearray(pages * PAGE_SIZE)
    device.read(blk_idx, memoryview(into))
    return bytes(into)


def old(blocks: int = 8) -> MemoryDevice:
    device = MemoryDevice(blocks)
    put(device, 0, *[OLD] * blocks)
    return device


def ordered(code: int = EIO) -> pytest.RaisesExc[OSError]:
    """Expect the error that was asked for."""
    return pytest.raises(OSError, match="ordered", check=lambda error: error.errno == code)


@pytest.fixture(params=["memory", "file"])
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BackingDevice]:
    made = old() if request.param == "memory" else open_file(tmp_path / "pages.img", size=8 * PAGE_SIZE)
    put(made, 0, *[OLD] * 8)
    yield made
    made.close()


# Choosing


@pytest.mark.parametrize(
    ("when", "selected"),
    [
        (always, [0, 1, 2, 3]),
        (nth(0, 2), [0, 2]),
        (nth(1, kind="read"), []),
        (since(2), [2, 3]),
        (since(2, kind="read"), []),
        (on_blocks([4, 6]), [3]),
        (on_blocks([1, 2], kind="write"), [0, 1, 2]),
    ],
)
def test_a_fault_selects_what_is_chosen(when: Callable[[Operation], bool], selected: list[int]) -> None:
    operations = [Operation("write", n, n, 2) for n in range(4)]
    assert [op.number for op in operations if when(op)] == selected


def test_chance_is_the_same_every_time() -> None:
    operations = [Operation("write", n) for n in range(1000)]
    one, two = (at_random(0.3, seed=7) for _ in range(2))
    assert [one(op) for op in operations] == [two(op) for op in reversed(operations)][::-1]
    assert 250 < sum(map(one, operations)) < 350
    other = at_random(0.3, seed=8)
    assert [one(op) for op in operations] != [other(op) for op in operations]
    assert not any(map(at_random(0.3, 7, kind="read"), operations))


def test_every_nth_ends_with_the_run_that_has_no_fault() -> None:
    failed = []
    for when in every_nth():
        faulty = Failing(old(), when)
        for block in range(3):
            try:
                put(faulty, block, NEW)
            except OSError:
                failed.append((when.number, block))
    assert failed == [(0, 0), (1, 1), (2, 2)]


def test_each_kind_is_counted_apart_and_the_selected_are_known() -> None:
    faulty = Failing(old(), nth(1))
    put(faulty, 0, NEW)
    got(faulty, 0)
    faulty.sync()
    for attempt in (lambda: put(faulty, 2, NEW, NEW), lambda: got(faulty, 3), faulty.sync):
        with ordered():
            attempt()
    assert faulty.selected == (Operation("write", 1, 2, 2), Operation("read", 1, 3, 1), Operation("sync", 1))


def test_what_is_selected_may_change() -> None:
    faulty = Failing(old(), on_blocks([2]))
    with ordered():
        put(faulty, 2, NEW)
    assert faulty.when(Operation("write", 5, 2, 1))
    faulty.when = on_blocks([3])
    assert put(faulty, 2, NEW) == PAGE_SIZE


# The faults


class AnyFilter(BackingDevice, Protocol):
    """The protocol of all filters."""

    @property
    def selected(self) -> tuple[Operation, ...]: ...


FILTERS: dict[str, Callable[[BackingDevice], AnyFilter]] = {
    "failing": lambda device: Failing(device, nth()),
    "short": lambda device: Short(device, nth()),
    "torn": lambda device: Torn(device, nth()),
    "corrupting": lambda device: Corrupting(device, nth()),
    "delayed": lambda device: Delayed(device, nth(), seconds=1e9),
    "full": lambda device: Full(device, 8),
    "gated": lambda device: Gated(device, nth()),
    "reordering": lambda device: Reordering(device, nth()),
}


@pytest.mark.parametrize("name", FILTERS)
def test_what_is_not_selected_passes_through(name: str, device: BackingDevice) -> None:
    through = FILTERS[name](device)
    assert (through.name, through.blocks) == (device.name, 8)
    assert put(through, 2, NEW, NEW) == 2 * PAGE_SIZE
    assert got(through, 1, 4) == OLD + NEW + NEW + OLD
    through.sync()
    assert through.selected == ()
    through.close()


def test_filters_go_around_each_other(device: BackingDevice) -> None:
    both = Failing(Short(device, nth(0)), nth(1, kind="write"), code=ENOSPC)
    assert put(both, 0, NEW) == PAGE_SIZE // 2
    with ordered(ENOSPC):
        put(both, 0, NEW)
    assert put(both, 0, NEW) == PAGE_SIZE


@pytest.mark.parametrize(
    ("length", "answered", "there"),
    [
        (0, 0, OLD + OLD),
        (100, 100, NEW[:100] + OLD[100:] + OLD),
        (PAGE_SIZE, PAGE_SIZE, NEW + OLD),
        (PAGE_SIZE + 512, PAGE_SIZE + 512, NEW + NEW[:512] + OLD[512:]),
        (9 * PAGE_SIZE, 2 * PAGE_SIZE - 1, NEW + NEW[1:] + OLD[:1]),
    ],
)
def test_a_short_write_is_answered_for_what_was_written(
    device: BackingDevice, length: int, answered: int, there: bytes
) -> None:
    assert put(Short(device, length=length), 3, NEW, NEW) == answered
    assert got(device, 3, 2) == there


def test_a_torn_write_fails_with_a_part_written(device: BackingDevice) -> None:
    torn = Torn(device, length=PAGE_SIZE + 512)
    with ordered():
        put(torn, 3, NEW, NEW)
    assert got(torn, 3, 2) == NEW + NEW[:512] + OLD[512:]


def test_a_device_that_lies_acknowledges_what_it_did_not_write(device: BackingDevice) -> None:
    assert put(Torn(device, length=0, code=None), 3, NEW, NEW) == 2 * PAGE_SIZE
    assert got(device, 3, 2) == OLD + OLD


def test_corruption_of_a_write_stays_and_that_of_a_read_passes(device: BackingDevice) -> None:
    wrong = b"n" * 100 + b"o" + b"n" * (PAGE_SIZE - 101)
    faulty = Corrupting(device, nth(0), at=100, mask=1)
    assert put(faulty, 3, NEW, NEW) == 2 * PAGE_SIZE
    assert got(device, 3, 2) == wrong + wrong
    put(faulty, 3, NEW, NEW)
    assert got(faulty, 3, 2) == wrong + wrong
    assert got(faulty, 3, 2) == NEW + NEW


def test_a_delay_is_spent_before_the_operation(device: BackingDevice) -> None:
    seen: list[tuple[float, bytes]] = []
    slow = Delayed(device, nth(0), seconds=2.5, sleep=lambda seconds: seen.append((seconds, got(device, 0))))
    put(slow, 0, NEW)
    put(slow, 1, NEW)
    got(slow, 0)
    slow.sync()
    assert seen == [(2.5, OLD), (2.5, NEW), (2.5, NEW)]


def test_a_full_device_takes_what_fits_and_what_is_there_already(device: BackingDevice) -> None:
    full = Full(device, 3)
    assert put(full, 0, NEW, NEW) == 2 * PAGE_SIZE
    assert put(full, 4, NEW, NEW) == PAGE_SIZE
    with ordered(ENOSPC):
        put(full, 5, NEW)
    assert put(full, 1, OLD) == PAGE_SIZE
    assert got(full, 0, 8) == NEW + OLD + OLD + OLD + NEW + OLD + OLD + OLD
    assert [op.blocks for op in full.selected] == [range(4, 6), range(5, 6)]


def test_a_gate_holds_what_arrives_and_lets_it_through_in_order() -> None:
    inner = old()
    gate = Gated(inner)
    gate.hold()
    puts = []
    for block in range(3):
        puts.append(Aside(partial(put, gate, block, NEW)))
        assert gate.wait_for(block + 1, PATIENCE)
    assert [op.blk_idx for op in gate.waiting] == [0, 1, 2]
    assert got(inner, 0, 3) == OLD * 3
    gate.release()
    puts[0].join()
    assert got(inner, 0, 3) == NEW + OLD + OLD
    gate.open()
    gate.hold()
    assert [each.join() for each in puts] == [PAGE_SIZE] * 3
    assert got(inner, 0, 3) == NEW * 3
    assert (gate.waiting, gate.wait_for(1, 0.0)) == ((), False)


def test_a_gate_releases_operations_that_arrive_later() -> None:
    gate = Gated(old(), on_blocks([1], kind="write"))
    gate.hold()
    put(gate, 0, NEW)
    gate.release(2)
    put(gate, 1, NEW)
    put(gate, 1, NEW)
    last = Aside(lambda: put(gate, 1, NEW))
    assert gate.wait_for(1, PATIENCE)
    gate.open()
    assert last.join() == PAGE_SIZE
    gate.sync()


@pytest.mark.parametrize("place", [0, 1, -1])
def test_completions_come_in_the_order_that_is_picked(place: int) -> None:
    picked: list[Operation] = []

    def pick(held: Sequence[Operation]) -> int:
        going = range(len(held))[place if len(held) > 1 else 0]
        picked.append(held[going])
        return going

    inner = old()
    faulty = Reordering(inner, pick=pick, width=3)
    puts = [Aside(partial(put, faulty, block, NEW)) for block in range(5)]
    assert [each.join() for each in puts] == [PAGE_SIZE] * 5
    assert faulty.completed == tuple(picked)
    assert got(inner, 0, 6) == NEW * 5 + OLD


def test_a_lone_operation_completes_after_a_while_or_fails() -> None:
    faulty = Reordering(Failing(old(), nth(1)), width=2, patience=0.0)
    assert put(faulty, 0, NEW) == PAGE_SIZE
    with ordered():
        put(faulty, 1, NEW)
    assert got(faulty, 0) == NEW
    faulty.sync()
    assert [op.kind for op in faulty.completed] == ["write", "write", "read", "sync"]


def test_a_thread_that_cannot_be_started_is_what_threading_says() -> None:
    runtime = ScarceThreads(ThreadRuntime(), Nth(1, "spawn"))
    runtime.spawn(lambda: None, "first").join(PATIENCE)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        runtime.spawn(lambda: None, "second")
    assert runtime.selected == (Operation("spawn", 1),)
    assert runtime.interruptible() and runtime.now() > 0  # noqa: PT018  (both go through)
