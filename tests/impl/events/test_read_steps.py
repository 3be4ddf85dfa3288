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
    return [
        (event.kind, event.args)
        for event in recorder.events
        if event.kind.startswith("read") or event.kind == "drop_kept"
    ]


def test_each_read_under_way_has_the_lowest_number_that_is_free() -> None:
    steps = ReadSteps(Recorder())
    assert [steps.begin(5), steps.begin(6), steps.begin(7)] == [0, 1, 2]
    steps.look_again(1, 6, unchanged=True, backed=True)
    steps.look_again(0, 5, unchanged=False, backed=False)
    assert [steps.begin(8), steps.begin(9), steps.begin(9)] == [0, 1, 3]


class Everything:
    """Keeps every page."""

    def get(self, index: int, entry: object, /) -> bytes | None:
        return f"{entry} of {index}".encode()


def test_a_read_that_keeps_takes_the_place_of_an_earlier_one() -> None:
    recorder = Recorder()
    steps, clean = ReadSteps(recorder), Everything()
    assert [steps.look(index, "entry", clean) for index in (5, 6)] == [("entry", 0), ("entry", 1)]
    assert steps.look(5, "entry", clean) == ("entry", 2)
    for number, index in ((0, 5), (2, 5), (1, 6)):
        steps.look_again(number, index, unchanged=True, backed=True)
    assert steps.look(5, "entry", clean) == (b"entry of 5", None)
    assert steps.look(5, "entry", None) == ("entry", 0)
    steps.look_again(0, 5, unchanged=True, backed=True)
    said = [event for event in reads(recorder) if event[0] != "read_begin"]
    kept = [("read_keep", (0,)), ("drop_kept", (0,)), ("read_keep", (2,)), ("read_keep", (1,))]
    assert said == [*kept, ("read_kept", (2,)), ("read_end", (0,))]


def test_a_read_of_a_kept_page_does_not_ask_the_device() -> None:
    recorder = Recorder()
    with Zram.create(PAGE_SIZE, backing=MemoryDevice(1), observer=recorder) as dev:
        dev.set_read_cache("16K")
        for number in (1, 2):
            dev.write_page(0, page(number))
            dev.writeback(pages=[0])
            assert [dev.read_page(0), dev.read_page(0)] == [page(number)] * 2
        assert dev.stats.bd.bd_reads == 2
    kept = [("read_begin", (0, 0)), ("read_answer", (0,)), ("read_keep", (0,)), ("read_kept", (0,))]
    again = [
        ("read_begin", (0, 1)),
        ("read_answer", (1,)),
        ("drop_kept", (0,)),
        ("read_keep", (1,)),
        ("read_kept", (1,)),
    ]
    assert reads(recorder) == [*kept, *again]


def test_a_plain_observer_sees_one_step_for_a_backed_read() -> None:
    seen: list[str] = []
    with Zram.create(PAGE_SIZE, backing=MemoryDevice(1), observer=lambda kind, *_args: seen.append(kind)) as dev:
        dev.write_page(0, page(1))
        dev.writeback(pages=[0])
        dev.read_page(0)
    assert seen[-1] == "read"


def test_each_step_is_looked_at_and_reported_in_one_hold() -> None:
    bench = Bench(observer=Recorder()).store(0)
    bench.dev.writeback(pages=[0])
    with bench.clock.counting() as taken:
        bench.dev.read_page(0)
    assert taken["table"] == 2, "one for the beginning, one for the second look"


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda _dev: None, [("read_begin", (0, 0)), ("read_answer", (0,)), ("read_end", (0,))]),
        (lambda dev: dev.write_page(0, page(2)), [("read_begin", (0, 0)), ("read_answer", (0,)), ("read_retry", (0,))]),
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
