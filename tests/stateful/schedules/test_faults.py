"""The faults under a runtime that decides who runs: nothing is left to chance, and nothing waits for the clock."""

from collections.abc import Callable

import pytest

from stateful.schedules.policies import random_walk
from stateful.schedules.scheduler import ScheduledRuntime
from zram_impl import PAGE_SIZE, Zram
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.faults import Failing, Gated, Reordering, nth
from zram_impl.faults.prefix import aligned_pages
from zram_impl.runtime import Runtime

PAGES = 4


def writes(seed: int, surround: Callable[[MemoryDevice, Runtime], Reordering]) -> tuple[list[int], list[int]]:
    """Three tasks write a block each; the orders in which writes completed and tasks continued."""
    runtime = ScheduledRuntime(random_walk(seed), time_may_pass=True)
    device = surround(MemoryDevice(PAGES), runtime)
    written_on: list[int] = []

    def write(block: int) -> None:
        with aligned_pages(1) as pages:
            device.write(block, pages)
        written_on.append(block)

    def main() -> None:
        runtime.join_all([runtime.spawn(lambda block=block: write(block), f"task {block}") for block in range(3)])  # type: ignore[misc]  # mypy: a default's type

    runtime.run(main)
    return [operation.blk_idx for operation in device.completed], written_on


@pytest.mark.parametrize("width", [2, 3])
def test_completions_are_reordered_in_the_same_way_every_time(width: int) -> None:
    orders = set()
    for seed in range(30):
        first, second = (
            writes(seed, lambda device, runtime: Reordering(device, width=width, runtime=runtime)) for _ in range(2)
        )
        assert first == second
        assert sorted(first[0]) == sorted(first[1]) == [0, 1, 2]
        orders.add(tuple(first[0]))
    assert len(orders) > 2


def test_a_pass_with_reordered_completions_writes_everything() -> None:
    for seed in range(20):
        runtime = ScheduledRuntime(random_walk(seed), time_may_pass=True)
        backing = Reordering(Failing(MemoryDevice(PAGES), nth(1, kind="write")), runtime=runtime)
        dev = Zram.create(PAGES * PAGE_SIZE, backing=backing, runtime=runtime, batch_size=PAGES)

        def main(dev: Zram = dev) -> None:
            for page in range(PAGES):
                dev.write_page(page, bytes([page + 1]) * 8 + bytes(PAGE_SIZE - 8))
            result = dev.writeback(pages=range(PAGES))
            assert (result.written + result.failed, result.failed) == (PAGES, len(result.errors))
            assert [dev.read_page(page)[0] for page in range(PAGES)] == [1, 2, 3, 4]
            dev.close()

        runtime.run(main)


def test_who_waits_at_a_gate_that_nobody_opens_is_found() -> None:
    runtime = ScheduledRuntime(random_walk(0))
    gate = Gated(MemoryDevice(PAGES), runtime=runtime)
    gate.hold()

    def write() -> None:
        with aligned_pages(1) as pages:
            gate.write(0, pages)

    with pytest.raises(AssertionError, match="gate"):
        runtime.run(write)
