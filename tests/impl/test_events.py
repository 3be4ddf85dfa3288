"""What an observer is told, and the versions that let its events be put in order."""

import threading
from collections import defaultdict

import pytest

from tests.impl.doubles import Bench, page, same
from zram_impl.events import Event, Recorder


@pytest.mark.parametrize(
    ("kind", "args", "touched"),
    [
        ("write", (3, 1), [("slot", 3)]),
        ("read", (3,), [("slot", 3)]),
        ("scan", (3,), [("slot", 3), ("pass", 0)]),
        ("take_request", (0,), [("request", 0), ("pass", 0)]),
        ("reserve_block", (5,), [("block", 5), ("pass", 0)]),
        ("submit", (3, 0, 5), [("slot", 3), ("request", 0), ("block", 5), ("budget", 0), ("pass", 0)]),
        ("reap", (0, 3, 5), [("request", 0), ("slot", 3), ("block", 5), ("budget", 0), ("pass", 0)]),
        ("device_error", (5,), [("block", 5)]),
        ("store_limit", (7,), [("budget", 0)]),
        ("toggle_limit", (), [("budget", 0)]),
        ("end_pass", (), [("pass", 0)]),
    ],
)
def test_an_event_names_what_it_touched(kind: str, args: tuple[int, ...], touched: list[tuple[str, int]]) -> None:
    recorder = Recorder()
    recorder(kind, *args)
    expected = tuple((name, number, 1) for name, number in touched)
    assert recorder.events == [Event(kind, args, threading.current_thread().name, expected)]


def test_each_object_counts_its_own_events() -> None:
    recorder = Recorder()
    for index in (3, 4, 3):
        recorder("read", index)
    assert [event.touched for event in recorder.events] == [(("slot", 3, 1),), (("slot", 4, 1),), (("slot", 3, 2),)]


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
    bench = Bench(observer=recorder)
    bench.store(*range(8))
    bench.dev.writeback(pages=range(8))
    versions = defaultdict[tuple[str, int], list[int]](list)
    for event in recorder.events:
        for name, number, version in event.touched:
            versions[name, number].append(version)
    assert all(seen == list(range(1, len(seen) + 1)) for seen in versions.values())
