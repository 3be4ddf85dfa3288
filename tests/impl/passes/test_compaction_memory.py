"""Compaction and memory: objects never take more because of it, and what they leave goes back as they move."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.impl.doubles import Bench, huge, page
from zram_impl import PAGE_SIZE, ZramError
from zram_impl.passes import compaction
from zram_impl.passes.base import PassProgress
from zram_impl.passes.compaction import Compaction
from zram_impl.table import segments
from zram_impl.table.moved import Moved, moved_size
from zram_impl.table.slot_table import SlotTable


def segmented() -> Bench:
    """Three segments of huge pages, of which the first 100 and then every other one was discarded."""
    bench = Bench(pages=3 * 256)
    for index in range(3 * 256):
        bench.dev.write_page(index, huge(index))
    bench.dev.discard(0, 100 * PAGE_SIZE)
    bench.dev.compact()
    assert used(bench) == (3 * 256 - 100) * PAGE_SIZE
    for index in range(100, 3 * 256, 2):
        bench.dev.discard(index * PAGE_SIZE, PAGE_SIZE)
    return bench


def used(bench: Bench) -> int:
    return bench.dev.stats.mm.mem_used_total


def test_sparse_segments_are_moved_again_and_go() -> None:
    bench = segmented()
    bench.dev.compact()
    assert used(bench) == bench.dev.stats.mm.compr_data_size == 334 * PAGE_SIZE
    assert bench.dev.read_page(101) == huge(101)
    for index in range(3 * 256):
        bench.dev.discard(index * PAGE_SIZE, PAGE_SIZE)
    mm = bench.dev.stats.mm
    assert (mm.orig_data_size, mm.compr_data_size, mm.mem_used_total, mm.huge_pages) == (0, 0, 0, 0)


def test_compaction_of_little_takes_no_more_than_it_moves() -> None:
    """A compaction raised mem_used_total, on a small device past mem_limit.

    It moved objects to segments of a fixed size, and the whole of one counted from its beginning on.
    """
    bench = Bench(pages=64)
    bench.dev.set_mem_limit("64K")
    for index in range(16):
        bench.dev.write_page(index, huge(index))
    bench.dev.discard(0, 4 * PAGE_SIZE)
    assert bench.dev.compact() == 4 * PAGE_SIZE
    assert used(bench) == bench.dev.mem_limit - 4 * PAGE_SIZE
    assert [type(entry) for entry in bench.pages.table.entries[4:16]] == [Moved] * 12


def test_memory_goes_back_while_a_segment_is_emptied() -> None:
    bench = segmented()
    seen = [used(bench)]
    with bench.passes.compaction() as running:
        while running.advance() is not PassProgress.DONE:
            seen.append(used(bench))
    assert seen == sorted(seen, reverse=True)
    # 64 of 334 objects at a time, of which half of a segment goes with the first.
    assert len(set(seen)) >= 6


def test_memory_running_out_midway_keeps_what_was_moved() -> None:
    bench = segmented()
    before = used(bench)
    with failing_moves(after=99):
        assert bench.dev.compact() == 0
    assert used(bench) < before
    assert bench.dev.compact() > 0
    assert used(bench) == 334 * PAGE_SIZE
    assert [bench.dev.read_page(index) for index in (101, 301, 767)] == [huge(101), huge(301), huge(767)]


@contextmanager
def failing_moves(after: int) -> Iterator[None]:
    """Have no memory for any move after so many."""
    move, left = SlotTable.move, after

    def fails(table: SlotTable, index: int) -> None:
        nonlocal left
        if not left:
            raise MemoryError
        left -= 1
        move(table, index)

    with mock.patch.object(SlotTable, "move", fails):
        yield


def test_a_compaction_is_undisturbed_by_pages_that_go() -> None:
    bench = segmented()
    with bench.passes.compaction() as running:
        while running.settled < running.selected:
            running.advance()
        running.advance()
        for index in (101, 299, 301, 303, 767):
            bench.dev.write_page(index, page(index))
        while running.advance() is not PassProgress.DONE:
            pass
    # One of the five had been moved, and left a hole where it was moved to.
    segments = bench.pages.table.segments
    assert segments.held - segments.live == PAGE_SIZE
    assert [bench.pages.peek_page(index) for index in (101, 303, 305)] == [page(101), page(303), huge(305)]


@contextmanager
def small_segments(chunk: int) -> Iterator[None]:
    """Let a segment have room for six pages, and a compaction take so many at a time."""
    with mock.patch.object(segments, "SEGMENT_SIZE", 6 * PAGE_SIZE), mock.patch.object(compaction, "CHUNK", chunk):
        yield


def test_a_segment_is_emptied_from_its_beginning_on() -> None:
    with small_segments(chunk=1):
        bench = Bench(pages=9)
        for written, freed in ((range(7), (6,)), ((7, 8), (1, 2, 3, 4)), ((), (8,))):
            # After the second compaction, pages 7, 8, 0 and 5 lie in a segment in this order.
            for index in written:
                bench.dev.write_page(index, huge(index))
            for index in freed:
                bench.dev.discard(index * PAGE_SIZE, PAGE_SIZE)
            bench.dev.compact()
        assert [bench.dev.read_page(index) for index in (0, 5, 7)] == [huge(0), huge(5), huge(7)]


SLOTS = 64
STEPS = st.tuples(st.sampled_from(["write", "discard", "advance", "cancel", "fail"]), st.integers(0, 1 << 16))


class Table:
    """A small table with small segments, that users and a compaction work on by turns."""

    def __init__(self, limit: int) -> None:
        self.bench = Bench(pages=SLOTS)
        self.bench.dev.set_mem_limit(limit * PAGE_SIZE)
        self.expected = [bytes(PAGE_SIZE)] * SLOTS
        self.running: Compaction | None = None
        self.pages = self.bench.pages

    def use(self, step: str, seed: int) -> None:
        """Write or discard some pages."""
        for index in random.Random(seed).sample(range(SLOTS), 1 + seed % SLOTS):
            content = (huge(index) if index % 4 else page(index)) if step == "write" else bytes(PAGE_SIZE)
            with suppress(ZramError):  # the limit
                if step == "write":
                    self.bench.dev.write_page(index, content)
                else:
                    self.bench.dev.discard(index * PAGE_SIZE, PAGE_SIZE)
                self.expected[index] = content

    def compact(self, step: str, number: int) -> None:
        """Let a compaction take some steps, and hold each against the one before."""
        running = self.running or Compaction(self.pages.table, self.pages._lock)
        if step == "cancel":
            running.cancel()
        progress = PassProgress.PROGRESS
        with failing_moves(after=number % 40) if step == "fail" else nullcontext():
            for _ in range(number % 80):
                before, total = self.pages.table.used, used(self.bench)
                progress = running.advance()
                assert self.pages.table.used <= before
                assert used(self.bench) <= total
        self.running = None if progress is PassProgress.DONE else running


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
@settings(max_examples=150)
@given(st.lists(STEPS, max_size=40), st.sampled_from([0, 20, 50]))
def test_no_step_of_a_compaction_takes_more_memory(steps: list[tuple[str, int]], limit: int) -> None:
    with small_segments(chunk=3):
        table = Table(limit)
        for step, number in [("write", SLOTS - 1), ("discard", SLOTS // 2), ("advance", 79), *steps]:
            if step in ("write", "discard"):
                table.use(step, number)
            else:
                table.compact(step, number)
    assert [table.pages.peek_page(index) for index in range(SLOTS)] == table.expected
    found = table.pages.table.segments
    live = sum(moved_size(entry) for entry in table.pages.table.entries if type(entry) is Moved)
    assert (found.live, sum(found.live_in.values())) == (live, live)
    assert found.held >= live
