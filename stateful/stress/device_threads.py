"""Real threads on any device: everybody shares all pages while passes run, and some order must explain what was read.

With a trace, what the device reports is written to a file, a line an event, in the order in which it was reported; the
device reports under the lock that makes the event happen, so that is the order of the events.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final, TextIO

from stateful.seam.blocks import WatchedBlocks
from stateful.seam.chosen import chosen, ignore
from stateful.seam.protocol import DeviceState, PassReport, Setup, SystemUnderTest
from stateful.stress.free_threads import PROBLEMS_SHOWN, ThreadsAccount
from stateful.stress.recorder import PageSharer, judge, together
from stateful.traces.schema import VERSION, Header
from zram_impl import WritebackResult
from zram_impl.cli.output import whole
from zram_impl.events.observer import Observer
from zram_impl.runtime import UnshieldedRuntime

PAGES: Final = 48
BLOCKS: Final = 32
BATCH: Final = 8
SHARERS: Final = 3
BAD_PAGES: Final = range(5, PAGES, 17)
"""Pages that cannot be written to the backing device."""
PAUSE_SECONDS: Final = 0.0002
WRITE_SECONDS: Final = 0.0001
"""Before each page is written, so that others have their turn while it is under way."""


class LineWriter:
    """An observer that writes a trace in the order in which it is called."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._lock = file, threading.Lock()  # guards the file; taken inside the device's, calls nothing
        self.events = 0
        self._write({"trace": VERSION, **Header(PAGES, BLOCKS, BATCH, 0, None, (), chosen().name)._asdict()})

    def __call__(self, kind: str, /, *args: int) -> None:
        """Write an event down."""
        with self._lock:
            self._write({"task": threading.current_thread().name, "does": kind, "args": [int(each) for each in args]})
            self.events += 1

    def end(self, now: DeviceState) -> None:
        """Write down what the device is like at last."""
        said = {"slots": now.slots, "used": sorted(now.used), "limit": now.limit, "counts": dict(now.counts)}
        self._write({"end": said})

    def _write(self, said: dict[str, object]) -> None:
        self._file.write(f"{json.dumps(said)}\n")


@contextmanager
def _writing(trace: Path | None) -> Iterator[LineWriter | None]:
    if trace is None:
        yield None
    else:
        with whole(trace) as file:
            yield LineWriter(file)


def run(
    seconds: float, report: Callable[[str], None] | None = None, trace: Path | None = None, seed: int = 0
) -> ThreadsAccount:
    """Run for `seconds` and return the account; nothing is left running or on disk, but for the trace."""
    say = report or (lambda _text: None)
    before = set(threading.enumerate())
    with ExitStack() as undo:
        writer = undo.enter_context(_writing(trace))
        device = _make(writer or ignore)
        undo.callback(device.close)
        stop = threading.Event()
        paused = partial(stop.wait, PAUSE_SECONDS)
        sharers = [PageSharer(device, number, range(PAGES), paused, seed) for number in range(SHARERS)]
        for sharer in sharers:
            sharer.thread.start()
        began = time.perf_counter()
        try:
            passes, total, problems = _passes(device, began + seconds, say)
        finally:
            stop.set()
            for sharer in sharers:
                sharer.thread.join()
        took = time.perf_counter() - began
        if not any(sharer.problems for sharer in sharers):
            sharers[0].read_all()
        for sharer in sharers:
            problems += sharer.problems[:PROBLEMS_SHOWN]
        problems += _left_over(device.state(), total)
        shared = sum(each.operations for each in sharers)
        say(f"judging {shared:,} operations on shared pages")
        problems += judge(together(sharers))[:PROBLEMS_SHOWN]
        if writer is not None:
            writer.end(device.state())
    left = set(threading.enumerate()) - before
    problems += [f"thread {thread.name} is still running" for thread in left]
    sums = WritebackResult(written=total.written, lost=total.lost, failed=total.failed, selected=total.selected)
    return ThreadsAccount(took, passes, sums, 0, 0, shared, tuple(problems), writer.events if writer else 0)


def _make(report: Observer) -> SystemUnderTest:
    blocks = WatchedBlocks(BLOCKS)
    blocks.during = blocks.reading = partial(time.sleep, WRITE_SECONDS)
    if "backing" in chosen().capabilities:
        blocks.failing = frozenset(BAD_PAGES)
    return chosen().make(Setup(PAGES, BLOCKS, BATCH, blocks, UnshieldedRuntime(), report))


def _passes(device: SystemUnderTest, end: float, say: Callable[[str], None]) -> tuple[int, PassReport, list[str]]:
    """Run one pass after another; return their number, their sums, and what was raised."""
    passes, total = 0, PassReport()
    try:
        while time.perf_counter() < end or not passes:
            result = device.writeback(range(PAGES))
            total = PassReport(*map(sum, zip(total, result, strict=True)))
            passes += 1
            say(f"{passes} passes, {total.written} pages written")
            time.sleep(PAUSE_SECONDS)
    except Exception as error:  # a problem like any other, to be reported
        return passes, total, [f"writeback raises {type(error).__name__}: {error}"]
    return passes, total, []


def _left_over(now: DeviceState, total: PassReport) -> list[str]:
    """Say what a device at rest has that it should not have."""
    problems = [f"pages are still claimed: {now.slots}"] if "P" in now.slots else []
    if len(now.used) != now.slots.count("W"):
        problems.append(f"{len(now.used)} blocks in use, {now.slots.count('W')} written-back pages")
    if total.selected != sum(total[1:]):
        problems.append(f"{total.selected} pages selected, {sum(total[1:])} accounted for")
    return problems
