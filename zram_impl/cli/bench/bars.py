"""`bench --bars`: what this device has to show beside others, each figure with its bar.

Beside the bare compressor, its own bare engine, fio on the same disk and a zram device of the running kernel. Ratios of
paired runs, medians. What a machine lacks is named.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from errno import EIO
from importlib.util import find_spec
from random import Random
from typing import Final, NamedTuple

from zram_impl.cli.bench.answers import pass_time
from zram_impl.cli.bench.apart import run_watched
from zram_impl.cli.bench.budget import kept
from zram_impl.cli.bench.compact import compact_pauses
from zram_impl.cli.bench.figures import FAILED, BenchRow, show
from zram_impl.cli.bench.growth import Growth, growth
from zram_impl.cli.bench.kernel import kernel_costs
from zram_impl.cli.bench.pages import PIECE, page_costs
from zram_impl.cli.bench.pass_cost import pass_cost
from zram_impl.cli.bench.published import PATTERNS, PublishedCourse, engine_of
from zram_impl.cli.bench.reading import reading_costs
from zram_impl.cli.bench.stores import store_costs
from zram_impl.cli.bench.yardsticks import fio
from zram_impl.cli.corpus import mixed_pages
from zram_impl.cli.output import whole
from zram_impl.cli.pairing import Paired, paired
from zram_impl.cli.screen import progress
from zram_impl.cli.stop import Stop
from zram_impl.device.engines import DEFAULT_ENGINE
from zram_impl.units import PAGE_SIZE


class BarsExtent(NamedTuple):
    """Extent of a measurement.

    Attributes:
        pages: Of one pass, or of a device whose pages are measured.
        rounds: Pairs of runs.
        fio_seconds: Of one run of fio.
        compact_pages: Of the device that is compacted.
        schedules: Whether the speed of schedules is measured, too.
        slots: Of the devices that are compared in their growth, ascending.
    """

    pages: int
    rounds: int
    fio_seconds: float
    compact_pages: int
    schedules: bool
    slots: Sequence[int]


EXTENT: Final = BarsExtent(8192, 11, 0.8, 1 << 18, True, (1 << 20, 1 << 22, 1 << 24))
QUICK: Final = BarsExtent(2048, 5, 0.2, 1 << 15, True, (1 << 16, 1 << 18, 1 << 20))

Group = Callable[[BarsExtent, str | None, Stop], Iterator[BenchRow]]
_RATE: Final = re.compile(r"^ *([\d,]+) (\w+ a second: .+)$", re.MULTILINE)


def run(groups: Sequence[str], quick: bool, target: str | None, directory: str | None, stop: Stop) -> int:
    """Measure groups of figures, all of them when none is named; print the table; return 1 when a bar was missed.

    Raises:
        OSError: A file cannot be written.
    """
    with ExitStack() as stack:
        out = stack.enter_context(whole(target, reserve=True)) if target is not None else None
        rows = measure(groups or list(GROUPS), QUICK if quick else EXTENT, directory, stop)
        show(rows)
        if out is not None:
            json.dump([{**row._asdict(), "verdict": row.verdict} for row in rows], out, indent=1)
            out.write("\n")
    return int(any(row.verdict == FAILED for row in rows))


def measure(groups: Sequence[str], extent: BarsExtent, directory: str | None, stop: Stop) -> list[BenchRow]:
    """Measure one group after the other."""
    rows: list[BenchRow] = []
    with progress("measuring") as advance:
        for number, name in enumerate(groups):
            rows += GROUPS[name](extent, directory, stop)
            advance(number + 1, len(groups))
    return rows


def _stored(extent: BarsExtent) -> list[bytes]:
    """Return pages that are written back: none is same-filled."""
    return [page for page in mixed_pages(extent.pages) if page[8:] != page[:-8]]


def _rates(pages: int, ours: float, theirs: float) -> str:
    return f"{pages / ours:,.0f} / {pages / theirs:,.0f} pages/s"


# --- pages -----------------------------------------------------------------------------------------------------------


def _pages(extent: BarsExtent, _directory: str | None, stop: Stop) -> Iterator[BenchRow]:
    costs = page_costs(mixed_pages(extent.pages), extent.rounds, stop)
    for name, pair, bar in (("write_page", costs.write_page, 1.20), ("read_page", costs.read_page, 1.15)):
        ours, bare = (seconds / PIECE * 1e6 for seconds in (pair.measured, pair.yardstick))
        yield BenchRow(f"{name} / bare lz4", pair.ratio, bar, True, f"{ours:.2f} / {bare:.2f} us a page")


def _kernel(extent: BarsExtent, _directory: str | None, stop: Stop) -> Iterator[BenchRow]:
    bars = {"write_page": 0.95, "read_page": 0.76, "1 MiB write": 1.00, "1 MiB read": 0.97}
    names = [f"{name} / kernel zram{'' if 'MiB' in name else ' by 4 KiB calls'}" for name in bars]
    try:
        costs = kernel_costs(mixed_pages(extent.pages), extent.rounds, stop)
    except OSError as error:
        lacking = f"no zram device of our own: {error.strerror or error}"
        yield from (BenchRow(name, None, bar, True, lacking) for name, bar in zip(names, bars.values(), strict=True))
        return
    for name, pair, bar in zip(names, costs, bars.values(), strict=True):
        ours, theirs = (seconds / extent.pages * 1e6 for seconds in (pair.measured, pair.yardstick))
        yield BenchRow(name, pair.ratio, bar, True, f"{ours:.2f} / {theirs:.2f} us a page")


# --- the pass --------------------------------------------------------------------------------------------------------


def _pass(extent: BarsExtent, directory: str | None, stop: Stop) -> Iterator[BenchRow]:
    pages = _stored(extent)
    pair = pass_time(pages, 32, extent.rounds, stop)
    ours, least = (seconds / len(pages) * 1e6 for seconds in (pair.measured, pair.yardstick))
    figures = f"{ours:.2f} / {least:.2f} us a page"
    # Either bar will do: whichever is nearer shows whether one of them is met.
    if ours <= _PASS_US or pair.ratio > _PASS_RATIO:
        yield BenchRow("processor time of a pass that waits for nothing, us a page", ours, _PASS_US, True, figures)
    else:
        name = "processor time of a pass that waits for nothing / decompression, copy, checksum"
        yield BenchRow(name, pair.ratio, _PASS_RATIO, True, figures)
    share = pass_cost(pages, 32, directory, extent.rounds, stop, "ring")
    rates = _rates(len(pages), share.yardstick, share.measured)
    yield BenchRow("pass / bare ring engine, batch 32", share.ratio, 0.80, False, rates)


_PASS_US: Final = 4.8
_PASS_RATIO: Final = 1.25


class _Course:
    """A course of either pattern with pages for it."""

    def __init__(self, pattern: str, engine: str, latency: float, extent: BarsExtent, directory: str | None) -> None:
        pages = _stored(extent) if pattern == "sequential" else _incompressible(extent.pages)
        self.course = PublishedCourse(pages, PATTERNS[pattern], engine_of(engine, latency), directory)
        self.close = self.course.close

    def seconds(self, batch: int, count: int) -> float:
        """Seconds a page of a pass over `count` pages, at most all there are."""
        count = min(count, self.course.most)
        return self.course.run(batch, count, sync=False) / count


def _incompressible(count: int) -> list[bytes]:
    return [Random(number).randbytes(PAGE_SIZE) for number in range(count)]


def _fio(extent: BarsExtent, directory: str | None, stop: Stop) -> Iterator[BenchRow]:
    figures = (
        ("sequential", 32, "fio psync 128k", 0.45),
        ("sequential", 256, "fio libaio 128k, depth 4", 0.38),
        ("random", 32, "fio libaio 4k random, depth 32", 0.55),
    )
    with fio(directory, stop) as by:
        for pattern, batch, yardstick, bar in figures:
            name = f"pass, {_PATTERN[pattern]}, batch {batch} / {yardstick}"
            trial = by(yardstick, extent.fio_seconds)
            if trial.rate is None:
                yield BenchRow(name, None, bar, False, trial.why)
                continue
            with ExitStack() as stack:
                course = _Course(pattern, DEFAULT_ENGINE, 0, extent, directory)
                stack.callback(course.close)

                def theirs(_piece: int, yardstick: str = yardstick) -> float:
                    again = by(yardstick, extent.fio_seconds)
                    if again.rate is None:  # a rate of any kind would be one that nobody measured
                        raise OSError(EIO, f"{yardstick}: {again.why}")
                    return 1 / again.rate

                def ours(_piece: int, course: _Course = course, batch: int = batch) -> float:
                    return course.seconds(batch, extent.pages)

                pair = paired(ours, theirs, 1, extent.rounds, stop)
            yield BenchRow(name, pair.ratio, bar, False, _rates(1, pair.yardstick, pair.measured))


_PATTERN: Final = {"sequential": "contiguous", "random": "every second block taken"}


def _batches(extent: BarsExtent, directory: str | None, stop: Stop) -> Iterator[BenchRow]:
    """Compare many requests in flight with one."""
    wanted: tuple[tuple[str, float, str, str, float], ...] = (
        ("sequential", 0, DEFAULT_ENGINE, "threads", 16),
        ("sequential", 0, "ring", "ring", 0),
        ("random", 0, DEFAULT_ENGINE, "threads", 12),
        ("random", 0, "ring", "ring", 8),
        ("random", 1e-3, DEFAULT_ENGINE, DEFAULT_ENGINE, 30),
    )
    for pattern, latency, many, one, bar in wanted:
        with ExitStack() as stack:
            of_many, of_one = (_Course(pattern, engine, latency, extent, directory) for engine in (many, one))
            stack.callback(of_many.close)
            stack.callback(of_one.close)
            pair = _many_and_one(of_many, of_one, extent, 1 / 64 if latency else 1 / 8, stop)
        late = f", {latency * 1e3:.0f} ms a write" if latency else ""
        name = f"{many}, batch 32 / {one}, batch 1, {_PATTERN[pattern]}{late}"
        yield BenchRow(name, pair.ratio, bar or None, False, _rates(1, pair.yardstick, pair.measured))


def _many_and_one(many: _Course, one: _Course, extent: BarsExtent, share: float, stop: Stop) -> Paired:
    # A single request at a time takes its time: a share of the pages says as much.
    single = round(extent.pages * share)
    return paired(lambda _: many.seconds(32, extent.pages), lambda _: one.seconds(1, single), 1, extent.rounds, stop)


# --- compaction and schedules ----------------------------------------------------------------------------------------


def _compact(extent: BarsExtent, _directory: str | None, stop: Stop) -> Iterator[BenchRow]:
    found = compact_pauses(extent.compact_pages, stop)
    figures = (
        f"{found.calls:,} calls in {found.seconds:.2f} s; beside a thread that computes {found.usual * 1e3:.1f} ms"
    )
    size = extent.compact_pages * PAGE_SIZE >> 20
    yield BenchRow(f"worst pause by compact, {size:,} MiB, ms", found.worst * 1e3, 15, True, figures)


def _schedules(extent: BarsExtent, _directory: str | None, stop: Stop) -> Iterator[BenchRow]:
    """Ask the verification how fast it is."""
    name, bar = "points a second: the scenarios, random", 100_000
    if not extent.schedules or find_spec("stateful") is None:
        yield BenchRow(name, None, bar, False, "stateful is not installed; it is in a checkout")
        return
    command = [sys.executable, "-m", "stateful", "schedules", "--benchmark"]
    done = run_watched(command, stop)
    rates = {what: float(rate.replace(",", "")) for rate, what in _RATE.findall(done.stdout)}
    if name not in rates:
        yield BenchRow(name, None, bar, False, f"{' '.join(command[1:])} ended with exit code {done.returncode}")
        return
    for what, rate in rates.items():
        yield BenchRow(what, rate, bar if what == name else None, False, "of processor time")


def _growth(extent: BarsExtent, _directory: str | None, stop: Stop) -> Iterator[BenchRow]:
    """Say how the cost of a slot grows with the device; 1 is not at all."""
    found = {slots: growth(slots, stop) for slots in extent.slots}
    smallest, largest = extent.slots[0], extent.slots[-1]
    for name in Growth._fields:
        costs = [getattr(each, name) for each in found.values()]
        figures = f"{' / '.join(f'{cost:,.0f}' for cost in costs)} ns a slot, {' / '.join(map(_power, extent.slots))}"
        title = f"{name}, a slot of {_power(largest)} / of {_power(smallest)}"
        yield BenchRow(title, costs[-1] / costs[0], None, True, figures)


def _power(slots: int) -> str:
    return f"{slots >> 20} Mi" if slots >= 1 << 20 else f"{slots >> 10} Ki"


# --- within a budget ------------------------------------------------------------------------------------------------


def _budget(extent: BarsExtent, directory: str | None, stop: Stop) -> Iterator[BenchRow]:
    budget = max(extent.compact_pages * PAGE_SIZE // _BUDGET_PART, _BUDGET_LEAST)
    found = kept(extent.compact_pages, budget, directory, stop)
    figures = (
        f"{found.grown >> 20} MiB / {budget >> 20} MiB, {found.pages:,} pages, {found.writes:,.0f} writes/s, "
        f"{found.reads:,.0f} reads/s"
    )
    yield BenchRow("growth of a process / its budget of memory", found.grown / budget, 1.25, True, figures)
    yield BenchRow("writes that were refused for memory", found.refused, 0, True, figures)


_BUDGET_PART: Final = 8
_BUDGET_LEAST: Final = 4 << 20


def _reading(extent: BarsExtent, directory: str | None, stop: Stop) -> Iterator[BenchRow]:
    pages = _stored(extent)
    costs = reading_costs(pages, extent.rounds, directory, stop)
    rows = (
        ("spilled pages read again, kept / not kept", costs.again, 4.0),
        ("spilled pages read again, promoted by hand / not kept", costs.promoted, None),
        ("spilled pages in order, read ahead / not kept", costs.ahead, 8.0),
        ("spilled pages in order, read_pages_into / read_page", costs.bulk, None),
    )
    for name, pair, bar in rows:
        yield BenchRow(name, 1 / pair.ratio, bar, False, f"{pair.yardstick * 1e3:.1f} / {pair.measured * 1e3:.1f} ms")


def _stores(extent: BarsExtent, directory: str | None, stop: Stop) -> Iterator[BenchRow]:
    for costs in store_costs(extent.pages // 4, min(extent.rounds, 3), directory, stop):
        for what, pair in (("puts", costs.puts), ("gets", costs.gets)):
            name = f"PageMap / {costs.name}, {what} a second"
            if pair is None:
                yield BenchRow(name, None, None, False, costs.lacking)
            else:
                rates = _rates(extent.pages // 4, pair.yardstick, pair.measured).replace("pages", "values")
                yield BenchRow(name, pair.ratio, None, False, rates)


GROUPS: Final[dict[str, Group]] = {
    "pages": _pages,
    "kernel": _kernel,
    "pass": _pass,
    "fio": _fio,
    "batches": _batches,
    "budget": _budget,
    "reading": _reading,
    "stores": _stores,
    "compact": _compact,
    "growth": _growth,
    "schedules": _schedules,
}
"""Groups of figures, by name."""
