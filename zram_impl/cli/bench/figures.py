"""`bench`: what is measured, against which bar, and the table of it.

Everything is a ratio of two things measured in turns in one run, so that it holds on another machine, too.
"""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final, NamedTuple

from zram_impl.cli.bench.memory import Memory, memory
from zram_impl.cli.bench.pages import PIECE, PageCosts, page_costs
from zram_impl.cli.bench.pass_cost import pass_cost
from zram_impl.cli.corpus import mixed_pages
from zram_impl.cli.output import whole
from zram_impl.cli.pairing import Paired
from zram_impl.cli.scratch import scratch_file
from zram_impl.cli.screen import progress, say, table
from zram_impl.cli.stop import Stop
from zram_impl.cli.throughput import Throughput, throughput

PASSED: Final = "passed"
FAILED: Final = "FAILED"
_BATCH: Final = 32
_LARGE: Final = 1000


class BenchOptions(NamedTuple):
    """The options of the command line; `json` is a path, `directory` None is where temporary files go."""

    quick: bool
    json: str | None
    directory: str | None


class Extent(NamedTuple):
    """Extent of a measurement."""

    pages: int
    rounds: int
    passes: int
    memory_pages: int


QUICK: Final = Extent(pages=4096, rounds=9, passes=5, memory_pages=1 << 16)
FULL: Final = Extent(pages=16384, rounds=15, passes=11, memory_pages=1 << 20)


class BenchRow(NamedTuple):
    """One figure and its bar.

    Attributes:
        name: What it is.
        measured: The ratio, or bytes; None when there is nothing to measure it by.
        bar: What it may be at most, or at least; None without one.
        at_most: Which of the two.
        absolute: The figures behind it, with their units, for people; or what is missing.
    """

    name: str
    measured: float | None
    bar: float | None
    at_most: bool
    absolute: str

    @property
    def verdict(self) -> str:
        """Verdict: whether the bar is met."""
        if self.measured is None:
            return "not measured"
        if self.bar is None:
            return "no bar"
        return PASSED if (self.measured <= self.bar if self.at_most else self.measured >= self.bar) else FAILED


def run(options: BenchOptions, stop: Stop) -> int:
    """Measure, print the table, and return the exit code: 1 when a bar was missed.

    Raises:
        OSError: The backing file or the JSON file cannot be written.
    """
    with ExitStack() as stack:
        # Both first: minutes of measuring shall not end in a path that was wrong.
        target = stack.enter_context(whole(options.json, reserve=True)) if options.json is not None else None
        extent = QUICK if options.quick else FULL
        scratch_file(options.directory, extent.pages).close()
        rows = measure(extent, options.directory, stop)
        show(rows)
        if target is not None:
            json.dump([{**row._asdict(), "verdict": row.verdict} for row in rows], target, indent=1)
            target.write("\n")
    return int(any(row.verdict == FAILED for row in rows))


def measure(extent: Extent, directory: str | None, stop: Stop) -> list[BenchRow]:
    """Measure everything."""
    with progress("measuring") as advance:
        pages = mixed_pages(extent.pages)
        # Same-filled pages are never written back.
        stored = [page for page in pages if page[8:] != page[:-8]]
        costs = page_costs(pages, extent.rounds, stop)
        advance(1, 4)
        pair = throughput(stored, _BATCH, directory, extent.passes, stop)
        advance(2, 4)
        whole = pass_cost(stored, _BATCH, directory, extent.passes, stop)
        advance(3, 4)
        used = memory(extent.memory_pages, stop)
    return [*_page_rows(costs), *_pass_rows(pair, whole, len(stored)), *_memory_rows(used)]


def show(rows: Sequence[BenchRow]) -> None:
    """Print the table."""
    cells = [(row.name, _figure(row), _bar(row), row.verdict, row.absolute) for row in rows]
    table(("what", "measured", "bar", "verdict", "figures behind it"), cells)
    failed = sum(row.verdict == FAILED for row in rows)
    say()
    say(f"{len(rows)} figures, {failed} FAILED")


def _figure(row: BenchRow) -> str:
    return "-" if row.measured is None else _shown(row.measured)


def _bar(row: BenchRow) -> str:
    return "-" if row.bar is None else f"{'<=' if row.at_most else '>='} {_shown(row.bar)}"


def _shown(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= _LARGE else f"{figure:.2f}"


def _page_rows(costs: PageCosts) -> list[BenchRow]:
    def row(name: str, pair: Paired, bar: float) -> BenchRow:
        ours, bare = (seconds / PIECE * 1e6 for seconds in (pair.measured, pair.yardstick))
        return BenchRow(f"{name} / bare lz4 loop", pair.ratio, bar, True, f"{ours:.2f} us / {bare:.2f} us a page")

    return [
        row("write_page", costs.write_page, 1.30),
        row("read_page", costs.read_page, 1.35),
        row("write_pages", costs.write_pages, 1.25),
        row("read_pages_into", costs.read_pages_into, 1.35),
    ]


def _pass_rows(pair: Throughput, whole: Paired, pages: int) -> list[BenchRow]:
    rates = f"{pair.many:,.0f} / {pair.one:,.0f} pages/s, {pair.where}"
    shares = f"{pages / whole.yardstick:,.0f} / {pages / whole.measured:,.0f} pages/s, {pair.where}"
    # The page cache answers a single write about as fast as many: batching has little to gain there.
    return [
        BenchRow(f"writeback, batch {_BATCH} / batch 1", pair.ratio, 10.0 if pair.direct else None, False, rates),
        BenchRow(f"pass / bare engine, batch {_BATCH}", whole.ratio, 0.85, False, shares),
    ]


def _memory_rows(used: Memory) -> list[BenchRow]:
    pages = f"{used.pages:,} pages"
    return [
        BenchRow("bookkeeping a stored page, bytes", used.bookkeeping, 70.0, True, pages),
        BenchRow(
            "resident / compressed", used.resident, 1.03, True, f"{used.grown:,} / {used.compressed:,} bytes, {pages}"
        ),
        BenchRow(
            "half freed, compacted / left",
            used.after_compaction,
            1.10,
            True,
            f"{used.compacted:,} / {used.left:,} bytes",
        ),
    ]
