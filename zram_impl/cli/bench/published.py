"""`bench --published`: the two benchmarks published with the patch series that made writeback batched.

Sequential: every block is free as its page is written back, so requests lie side by side. Random: every second block is
taken. Each is measured with either engine, by batch size, with and without fdatasync, on a file as it is and with every
write answered late. All of it in turns, medians; nothing has a bar.
"""

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from errno import EIO
from math import inf
from random import Random
from statistics import median
from time import perf_counter, sleep
from typing import Final, NamedTuple

from zram_impl.bdev.device import BackingDevice
from zram_impl.cli.bench.yardsticks import Yardstick, yardsticks
from zram_impl.cli.corpus import mixed_pages
from zram_impl.cli.output import whole
from zram_impl.cli.scratch import describe, scratch_file
from zram_impl.cli.screen import progress, say, table
from zram_impl.cli.stop import Stop
from zram_impl.device.engines import ENGINES, MAX_IN_FLIGHT, MakeEngine
from zram_impl.engine.protocol import Engine
from zram_impl.engine.ring import RingEngine
from zram_impl.engine.ring_aio import PATIENCE, NativeAio
from zram_impl.engine.ring_choice import open_ring
from zram_impl.engine.ring_queue import WAKE, Answer, RingQueue, Write
from zram_impl.engine.threads import ThreadEngine
from zram_impl.faults import Delayed
from zram_impl.runtime import Runtime
from zram_impl.units import PAGE_SIZE
from zram_impl.zram import Zram

PATTERNS: Final = {"sequential": 1, "random": 2}
"""The distance of the pages written back, and of the free blocks."""

_TRIAL: Final = 8


class PublishedExtent(NamedTuple):
    """Extent of a measurement; `seconds` is how long one pass may take, which leaves slow ones with fewer pages."""

    pages: int
    rounds: int
    seconds: float
    batches: Sequence[int]
    latencies: Sequence[float]


QUICK: Final = PublishedExtent(2048, 3, 0.1, (1, 32, 256), (0, 100e-6, 1e-3))
FULL: Final = PublishedExtent(8192, 5, 0.15, (1, 2, 4, 8, 16, 32, 64, 128, 256), (0, 100e-6, 1e-3))


class Point(NamedTuple):
    """One point of a curve; `engine` is as asked for, `kind` what it was."""

    pattern: str
    latency: float
    sync: bool
    engine: str
    batch: int
    rate: float
    kind: str


class LateQueue:
    """A ring whose answers are `seconds` late, each on its own, and which waits for several as `queue` does."""

    def __init__(self, queue: RingQueue, seconds: float, patience: float | None = None) -> None:
        """Surround `queue`; `patience` is how many seconds `wait` waits for `least` answers, by default its own."""
        self.name: str = f"{queue.name}, {seconds * 1e6:.0f} us late"
        self.wake: Callable[[], bool] = queue.wake
        self.close: Callable[[], None] = queue.close
        self._queue, self._seconds = queue, seconds
        of_queue = PATIENCE / 1e9 if isinstance(queue, NativeAio) else 0.0
        self._patience = of_queue if patience is None else patience
        self._due: dict[int, float] = {}
        """The time at which each write is to be answered, until it is handed on."""
        self._here: list[Answer] = []
        """Answers that were not handed on."""
        self._each = 0.0
        """Seconds that the system took to begin a write, the last time."""

    def submit(self, writes: Sequence[Write]) -> int:
        """Submit, and note when each write is begun: one after the other, while the system takes them."""
        began = perf_counter()
        self._due |= {key: began + self._seconds + number * self._each for number, (key, _) in enumerate(writes)}
        taken = self._queue.submit(writes)
        self._each = (perf_counter() - began) / len(writes)
        for key, _ in writes[taken:]:
            del self._due[key]
        return taken

    def wait(self, least: int = 1) -> list[Answer]:
        """Return what is due: once `least` are, if that is soon enough, else as soon as one is."""
        patient_until = perf_counter() + self._patience
        if not self._here:
            self._here += self._queue.wait()
        woken = [0.0 for key, _ in self._here if key == WAKE]
        dues = sorted([*woken, *self._due.copy().values()])
        if dues:
            until = dues[least - 1] if least <= len(dues) else inf
            sleep(max(0.0, min(until, max(patient_until, dues[0])) - perf_counter()))
        now, here = perf_counter(), {key for key, _ in self._here}
        # What is due by now and was not fetched. The device may be later than that, which makes all of them late.
        if behind := sum(due <= now and key not in here for key, due in self._due.copy().items()):
            self._here += self._queue.wait(behind)
        due, later = list[Answer](), list[Answer]()
        for answer in self._here:
            (due if self._due.get(answer[0], 0.0) <= now else later).append(answer)
        self._here = later
        for key, _ in due:
            self._due.pop(key, None)
        return due


def engine_of(name: str, latency: float) -> MakeEngine | str:
    """Return what makes an engine by its name, over a device that answers writes late."""
    if not latency:
        return name

    def make(device: BackingDevice, runtime: Runtime) -> Engine:
        if name == "ring":
            try:
                late = LateQueue(open_ring(device, MAX_IN_FLIGHT), latency)
                return RingEngine(device, runtime, late, depth=MAX_IN_FLIGHT)
            except OSError:
                pass  # measured as what it would be
        return ThreadEngine(Delayed(device, seconds=latency), runtime, depth=MAX_IN_FLIGHT)

    return make


class PublishedCourse:
    """A device whose pages lie on its blocks in order; a pass writes the first of its pages, or of the even ones."""

    def __init__(self, pages: Sequence[bytes], every: int, engine: MakeEngine | str, directory: str | None) -> None:
        """Write all pages back once; no page may be same-filled."""
        self._pages, self._every = pages, every
        self.most: int = len(pages) // every
        self.device: BackingDevice = scratch_file(directory, len(pages))
        self._dev = Zram.create(len(pages) * PAGE_SIZE, backing=self.device, engine=engine)
        self._dev.write_pages(0, b"".join(pages))
        self._write_back(len(pages), 0, len(pages))
        self.kind: str = self._dev.engine_kind or ""

    def run(self, batch: int, count: int, *, sync: bool) -> float:
        """Store `count` pages anew and write them back; return the seconds of it, with fdatasync if asked."""
        for index in range(0, count * self._every, self._every):
            self._dev.write_page(index, self._pages[index])
        self._dev.set_batch_size(batch)
        began = perf_counter()
        self._write_back(count, 0, count * self._every)
        if sync:
            self.device.sync()
        return perf_counter() - began

    def close(self) -> None:
        """Close the device."""
        self._dev.close()

    def _write_back(self, count: int, first: int, end: int) -> None:
        result = self._dev.writeback(ranges=[(first, end - 1)])
        if result.written != count:
            raise OSError(EIO, f"{count - result.written} of {count} pages could not be written back")


def run(quick: bool, target: str | None, directory: str | None, stop: Stop) -> int:
    """Measure, print the table, and return exit code 0; OSError when a file cannot be written."""
    extent = QUICK if quick else FULL
    with ExitStack() as stack:
        out = stack.enter_context(whole(target, reserve=True)) if target is not None else None
        file = scratch_file(directory, extent.pages)
        where = describe(file, directory)
        file.close()
        points = measure(extent, directory, stop)
        beside = yardsticks(extent.seconds, directory, stop)
        show(points, beside, where)
        if out is not None:
            about = {
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
                "machine": f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}",
                "command": " ".join(["python -m zram_impl", *sys.argv[1:]]),
                "where": where,
                "points": [point._asdict() for point in points],
                "yardsticks": [each._asdict() for each in beside],
            }
            json.dump(about, out, indent=1)
            out.write("\n")
    return 0


def measure(extent: PublishedExtent, directory: str | None, stop: Stop) -> list[Point]:
    """Measure every curve."""
    corpus = {
        "sequential": [page for page in mixed_pages(extent.pages) if page[8:] != page[:-8]],
        "random": [Random(number).randbytes(PAGE_SIZE) for number in range(extent.pages)],
    }
    points: list[Point] = []
    with progress("measuring") as advance:
        for number, (pattern, every) in enumerate(PATTERNS.items()):
            for place, latency in enumerate(extent.latencies):
                with ExitStack() as stack:
                    courses = {
                        name: PublishedCourse(corpus[pattern], every, engine_of(name, latency), directory)
                        for name in ENGINES
                    }
                    for course in courses.values():
                        stack.callback(course.close)
                    for name, batch, sync, rate in _rates(courses, extent, stop):
                        points.append(Point(pattern, latency, sync, name, batch, rate, courses[name].kind))
                advance(number * len(extent.latencies) + place + 1, len(PATTERNS) * len(extent.latencies))
    return points


def _rates(
    courses: dict[str, PublishedCourse], extent: PublishedExtent, stop: Stop
) -> Iterator[tuple[str, int, bool, float]]:
    """Measure each engine, batch size and way to end in turns; pages a second, the medians."""
    ways = [(name, batch, sync) for sync in (False, True) for batch in extent.batches for name in courses]
    counts: dict[tuple[str, int], int] = {}
    for name, batch, _ in ways:
        course = courses[name]
        trial = min(course.most, max(_TRIAL, 2 * batch))
        pace = course.run(batch, trial, sync=False) / trial
        counts[name, batch] = min(course.most, max(trial, int(extent.seconds / pace)))
    found: dict[tuple[str, int, bool], list[float]] = {way: [] for way in ways}
    for turn in range(extent.rounds):
        # Forwards and backwards, so that nobody is always measured after the same neighbour.
        for name, batch, sync in ways if turn % 2 else reversed(ways):
            stop.check()
            count = counts[name, batch]
            found[name, batch, sync].append(count / courses[name].run(batch, count, sync=sync))
    for (name, batch, sync), rates in found.items():
        yield name, batch, sync, median(rates)


def show(points: Sequence[Point], beside: Sequence[Yardstick], where: str) -> None:
    """Print the curves, an engine a column, and the yardsticks."""
    rates = {(p.pattern, p.latency, p.sync, p.engine, p.batch): p.rate for p in points}
    rows = []
    for pattern, latency, sync, batch in dict.fromkeys((p.pattern, p.latency, p.sync, p.batch) for p in points):
        of = {name: rates[pattern, latency, sync, name, batch] for name in ENGINES}
        first = {name: of[name] / rates[pattern, latency, sync, name, min(p.batch for p in points)] for name in ENGINES}
        rows.append(
            (
                pattern,
                f"+{latency * 1e6:.0f} us" if latency else "as it is",
                "fdatasync" if sync else "",
                str(batch),
                *(f"{of[name]:,.0f} ({first[name]:.1f})" for name in ENGINES),
                f"{of['ring'] / of['threads']:.2f}",
            )
        )
    table(("pattern", "writes", "end", "batch", *ENGINES, "ring / threads"), rows)
    say()
    table(("yardstick", "pages/s"), [(each.name, each.shown) for each in beside])
    say()
    say(f"{where}; pages/s, in brackets by that of batch {min(p.batch for p in points)}")
    for text in _ratios(rates, {each.name: each.rate for each in beside if each.rate}):
        say(text)


def _ratios(rates: dict[tuple[str, float, bool, str, int], float], fio: dict[str, float]) -> Iterator[str]:
    """Say how passes compare with what fio does."""
    for pattern, batch, name in (
        ("sequential", 32, "fio psync 128k"),
        ("sequential", 256, "fio libaio 128k, depth 4"),
        ("random", 32, "fio libaio 4k random, depth 32"),
    ):
        for engine in ENGINES:
            rate = rates.get((pattern, 0, False, engine, batch))
            if rate and name in fio:
                yield f"{pattern}, batch {batch}, {engine} / {name}: {rate / fio[name]:.2f}"
