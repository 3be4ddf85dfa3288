"""All that is done to pages, in any order: they read back, and every statistic equals a recount after every step."""

import threading
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateful.common.recount import both_counts
from tests.impl.aside import Aside, joined
from tests.impl.doubles import Bench, huge, page, same
from tests.impl.passes.recompressing import letters
from zram_impl import PAGE_SIZE, Zram, ZramError
from zram_impl.table.entries import IN_MEMORY, size_of
from zram_impl.table.moved import Moved, moved_size

N = 12
KINDS: list[Callable[[int], bytes]] = [
    page,
    huge,
    letters,
    lambda number: same(number + 1),
    lambda _number: bytes(PAGE_SIZE),
]


def made(*, compressed: bool) -> Bench:
    bench = Bench(pages=N, blocks=6)
    bench.dev.reset()
    bench.dev.set_compressed_writeback(compressed)
    bench.dev.set_recomp_algorithm("deflate")
    bench.dev.set_recomp_algorithm("zstd", 2)
    bench.dev.set_backing(bench.backing)
    bench.backing.closed = 0
    bench.dev.initialise(N * PAGE_SIZE)
    return bench


class Twin:
    """The contents of the pages, and how often whole pages were freed."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.dev = bench, bench.dev
        self.content = [bytes(PAGE_SIZE)] * N
        self.notified = 0
        self.refused = 0

    def write(self, index: int, number: int) -> None:
        content = KINDS[number % len(KINDS)](number)
        try:
            self.dev.write_page(index, content)
            self.content[index] = content
        except ZramError:
            self.refused += 1

    def patch(self, index: int, number: int) -> None:
        try:
            self.dev.write(index * PAGE_SIZE + number, b"patch")
            old = self.content[index]
            self.content[index] = old[:number] + b"patch" + old[number + 5 :]
        except ZramError:
            self.refused += 1

    def discard(self, index: int, number: int) -> None:
        lo, hi = index, min(N, index + number % 3)
        self.dev.discard(lo * PAGE_SIZE, (hi - lo) * PAGE_SIZE)
        self.content[lo:hi] = [bytes(PAGE_SIZE)] * (hi - lo)
        self.notified += hi - lo

    def step(self, name: str, index: int, number: int) -> None:
        """Do one thing of a name."""
        dev = self.dev
        {
            "write": lambda: self.write(index, number),
            "patch": lambda: self.patch(index, number),
            "discard": lambda: self.discard(index, number),
            "read": lambda: dev.read_page(index),
            "idle": lambda: dev.mark_idle(age_seconds=number % 4),
            "pages": lambda: dev.writeback(pages=[index, (index + number) % N]),
            "mode": lambda: dev.writeback(("idle", "huge", "huge_idle", "incompressible")[number % 4]),
            "recompress": lambda: dev.recompress(
                (None, "idle", "huge")[number % 3], priority=1 + number % 2, threshold=(0, 2000)[index % 2]
            ),
            "compact": dev.compact,
            "limit": lambda: dev.set_mem_limit((number % 9) * PAGE_SIZE),
            "forget": dev.reset_mem_used_max,
        }[name]()
        self.bench.clock.seconds += number % 3

    def check(self) -> None:
        """Compare everything."""
        dev, stats = self.dev, self.dev.stats
        pages = dev._life.live().pages
        assert [pages.peek_page(index) for index in range(N)] == self.content
        had, counted = both_counts(dev)
        assert had == counted
        entries = pages.table.entries
        assert stats.mm.compr_data_size == sum(size_of(entry) for entry in entries if isinstance(entry, IN_MEMORY))
        assert pages.table.segments.live == sum(moved_size(entry) for entry in entries if type(entry) is Moved)
        assert stats.mm.compr_data_size <= stats.mm.mem_used_total <= stats.mm.mem_used_max
        assert (stats.io.notify_free, stats.io.failed_writes, stats.io.failed_reads) == (self.notified, self.refused, 0)
        state = dev.block_state().splitlines()
        assert len(state) * PAGE_SIZE == stats.mm.orig_data_size
        assert sum("h" in line and "w" not in line for line in state) == stats.mm.huge_pages
        assert sum("w" in line for line in state) == stats.bd.bd_count


NAMES = [
    *("write", "write", "patch", "discard", "read", "idle"),
    *("pages", "mode", "recompress", "compact", "limit", "forget"),
]


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, N - 1), st.integers(0, 40)), min_size=1, max_size=60),
    st.booleans(),
)
def test_statistics_equal_a_recount_after_every_step(steps: list[tuple[str, int, int]], compressed: bool) -> None:
    twin = Twin(made(compressed=compressed))
    for name, index, number in steps:
        twin.step(name, index, number)
        twin.check()
    had, counted = both_counts(twin.dev)
    assert had == counted


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
@pytest.mark.parametrize("compressed", [False, True])
def test_users_proceed_during_passes_of_every_kind(compressed: bool) -> None:
    dev = Zram()
    dev.set_compressed_writeback(compressed)
    dev.set_recomp_algorithm("zstd")
    dev.set_backing(Bench().backing)
    dev.initialise(64 * PAGE_SIZE)
    wrong, stop = list[str](), threading.Event()

    def use(first: int) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            for index in range(first, 64, 2):
                content = KINDS[(index + turn) % 3](turn % 20)
                dev.write_page(index, content)
                if dev.read_page(index) != content:
                    wrong.append(f"page {index} in turn {turn}")

    users = [Aside(partial(use, first)) for first in (0, 1)]
    for _ in range(25):
        dev.mark_idle()
        dev.recompress()
        dev.writeback("huge_idle")
        dev.compact()
    stop.set()
    joined(users)
    assert wrong == []
    had, counted = both_counts(dev)
    assert had == counted
    dev.close()
