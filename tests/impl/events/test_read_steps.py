"""The steps of reads of written-back pages, as those observers hear of them who want to."""

from collections.abc import Callable

import pytest

from tests.impl.aside import Aside
from tests.impl.doubles import PATIENCE, Bench, page
from zram_impl import PAGE_SIZE, Zram
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.events.observer import Recorder
from zram_impl.events.read_steps import ReadSteps
from zram_impl.faults import Gated


def reads(recorder: Recorder) -> list[tuple[str, tuple[int, ...]]]:
    return [(event.kind, event.args) for event in recorder.events if event.kind.startswith("read")]


def test_each_read_under_way_has_the_lowest_number_that_is_free() -> None:
    recorder = Recorder()
    steps = ReadSteps(recorder)
    assert [steps.begin(5), steps.begin(6), steps.begin(7)] == [0, 1, 2]
    steps.look_again(1, 6, unchanged=True, backed=True)
    steps.look_again(0, 5, unchanged=False, backed=False)
    assert [steps.begin(8), steps.begin(9), steps.begin(9)] == [0, 1, 3]


def test_a_plain_observer_sees_one_step_for_a_backed_read() -> None:
    seen: list[str] = []
    with Zram.create(PAGE_SIZE, backing=MemoryDevice(1), observer=lambda kind, *_args: seen.append(kind)) as dev:
        dev.write_page(0, page(1))
        dev.writeback(pages=[0])
        dev.read_page(0)
    assert seen[-1] == "read"


def test_each_step_is_looked_at_and_reported_in_one_hold() -> None:
    bench = Bench(observer=Recorder())
    bench.store(0)
    bench.dev.writeback(pages=[0])
    with bench.clock.counting() as taken:
        bench.dev.read_page(0)
    assert taken["table"] == 2, "one for the beginning, one for the second look"


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda _dev: None, [("read_begin", (0, 0)), ("read_answer", (0,)), ("read_end", (0,))]),
        (
            lambda dev: dev.write_page(0, page(2)),
            [("read_begin", (0, 0)), ("read_answer", (0,)), ("read_retry", (0,))],
        ),
        (
            lambda dev: (dev.write_page(0, page(2)), dev.writeback(pages=[0])),
            [
                *[("read_begin", (0, 0)), ("read_answer", (0,)), ("read_retry", (0,))],
                *[("read_begin", (0, 0)), ("read_answer", (0,)), ("read_end", (0,))],
            ],
        ),
    ],
    ids=["unchanged", "in memory", "written back again"],
)
def test_a_read_looks_again_after_the_device_has_answered(
    change: Callable[[Zram], object], seen: list[tuple[str, tuple[int, ...]]]
) -> None:
    recorder = Recorder()
    backing = Gated(MemoryDevice(2), lambda operation: operation.kind == "read")
    with Zram.create(PAGE_SIZE, backing=backing, observer=recorder) as dev:
        dev.write_page(0, page(1))
        dev.writeback(pages=[0])
        backing.hold()
        reading = Aside(lambda: dev.read_page(0))
        assert backing.wait_for(1, PATIENCE)
        change(dev)
        backing.open()
        got = reading.join()
    assert reads(recorder) == seen
    assert got == page(1 if seen[-1][0] == "read_end" and len(seen) == 3 else 2)
