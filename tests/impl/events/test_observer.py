"""The calls of an observer, and the versions that let its events be put in order."""

import threading
from collections import Counter, defaultdict
from functools import partial

import pytest

from tests.impl.doubles import Bench, page, same
from zram_impl import PAGE_SIZE, Zram
from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.engine.sync import SyncEngine
from zram_impl.events.observer import Event, Recorder
from zram_impl.faults import Failing, on_blocks
from zram_impl.runtime import Runtime


@pytest.mark.parametrize(
    ("kind", "args", "touched"),
    [
        ("write", (3, 1), [("table", 0)]),
        ("read", (3,), [("table", 0)]),
        ("scan", (3,), [("table", 0)]),
        ("take_request", (0,), [("table", 0)]),
        ("submit", (3, 0, 5), [("table", 0), ("request", 0), ("block", 5)]),
        ("reap", (0, 3, 5), [("table", 0), ("request", 0), ("block", 5)]),
        ("device_ok", (5,), [("block", 5)]),
        ("device_error", (5,), [("block", 5)]),
        ("endio_queue", (1,), [("request", 1)]),
        ("endio_leave", (1,), [("request", 1)]),
        ("read_answer", (0,), []),
        ("store_limit", (7,), [("table", 0)]),
        ("end_pass", (), [("table", 0)]),
    ],
)
def test_an_event_names_what_it_touched(kind: str, args: tuple[int, ...], touched: list[tuple[str, int]]) -> None:
    recorder = Recorder()
    recorder(kind, *args)
    expected = tuple((name, number, 1) for name, number in touched)
    assert recorder.events == [Event(kind, args, threading.current_thread().name, expected)]


def test_each_object_counts_its_own_events() -> None:
    recorder = Recorder()
    for block in (3, 4, 3):
        recorder("device_ok", block)
    assert [event.touched for event in recorder.events] == [(("block", 3, 1),), (("block", 4, 1),), (("block", 3, 2),)]


def test_threads_of_one_name_are_distinguished() -> None:
    recorder = Recorder()
    for number in range(3):
        thread = threading.Thread(target=recorder, args=("read", number), name="user")
        thread.start()
        thread.join()
    seen = [(event.task, event.args) for event in recorder.events]
    assert seen == [("user", (0,)), ("user (2)", (1,)), ("user (3)", (2,))]


def test_a_device_tells_every_action_in_order() -> None:
    recorder = Recorder()
    bench = Bench(pages=3, observer=recorder)
    dev = bench.dev
    bench.limit(1)
    dev.write_page(0, page(0))
    dev.write_page(1, same(1))
    dev.read_page(0)
    dev.mark_idle()
    dev.writeback("idle")
    dev.discard(0, len(page(0)))
    dev.reset()
    assert [(event.kind, event.args) for event in recorder.events] == [
        ("store_limit", (1,)),
        ("toggle_limit", ()),
        ("write", (0, 0)),
        ("write_same", (1,)),
        ("read", (0,)),
        ("mark_idle", (0,)),
        ("begin_pass", ()),
        ("scan", (0,)),
        ("end_scan", ()),
        ("take_request", (0,)),
        ("reserve_block", (0,)),
        ("submit", (0, 0, 0)),
        ("reap", (0, 0, 0)),
        ("end_pass", ()),
        ("discard", (0,)),
        ("reset", ()),
    ]


def test_no_version_of_any_object_is_missing() -> None:
    recorder = Recorder()
    Bench(observer=recorder).store(*range(8)).dev.writeback(pages=range(8))
    versions = defaultdict[tuple[str, int], list[int]](list)
    for event in recorder.events:
        for name, number, version in event.touched:
            versions[name, number].append(version)
    assert all(seen == list(range(1, len(seen) + 1)) for seen in versions.values())


def test_the_engine_of_production_tells_what_the_device_answered() -> None:
    recorder = Recorder()
    with Zram.create(8 * PAGE_SIZE, backing=Failing(MemoryDevice(8), on_blocks([1])), observer=recorder) as dev:
        for number in range(4):
            dev.write_page(number, page(number))
        dev.writeback(pages=range(4))
    kinds = Counter(event.kind for event in recorder.events)
    assert kinds["submit"] == kinds["endio_queue"] == kinds["endio_leave"] == kinds["reap"] == 4
    assert [event.args for event in recorder.events if event.kind == "device_error"] == [(1,)]
    assert sorted(event.args for event in recorder.events if event.kind == "device_ok") == [(0,), (2,), (3,)]
    answers = {event.kind for task, events in recorder.tasks.items() if "writer" in task for event in events}
    assert answers == {"device_ok", "device_error", "endio_queue", "endio_leave"}
    for number in range(4):
        mine = [event.kind for event in recorder.events if ("request", number) in {t[:2] for t in event.touched}]
        assert mine == ["submit", "endio_queue", "endio_leave", "reap"]


def test_an_engine_of_ones_own_may_be_connected() -> None:
    recorder = Recorder()
    engine = partial(sync_engine, recorder)
    with Zram.create(8 * PAGE_SIZE, backing=MemoryDevice(8), engine=engine, observer=recorder) as dev:
        dev.write_page(0, page(0))
        dev.writeback(pages=[0])
    seen = [event.kind for event in recorder.events]
    assert seen[-6:] == ["submit", "device_ok", "endio_queue", "endio_leave", "reap", "end_pass"]


def sync_engine(recorder: Recorder, device: BackingDevice, _runtime: Runtime) -> SyncEngine:
    return SyncEngine(device, observer=recorder)
