"""Compaction: pages stay what they are, holes are closed when it is worth it, and all other calls proceed."""

import errno
import mmap
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.impl.aside import Aside
from tests.impl.doubles import Bench, huge, page
from tests.impl.passes import recompressing
from tests.impl.passes.driving import finish
from tests.impl.passes.recompressing import letters
from tests.refused import raising, refused
from zram_impl import PAGE_SIZE, Zram
from zram_impl.passes.base import PassProgress
from zram_impl.passes.compaction import CHUNK, Compaction
from zram_impl.table.moved import Moved, moved_size

PAGES = 200


def content(index: int) -> bytes:
    return huge(index) if index % 2 else page(index)


def holey(*, compressed: bool = False) -> Bench:
    """Every page was written, every third is left."""
    bench = Bench(pages=PAGES, blocks=8, compressed=compressed)
    for index in range(PAGES):
        bench.dev.write_page(index, content(index))
    for index in range(PAGES):
        if index % 3:
            bench.dev.discard(index * PAGE_SIZE, PAGE_SIZE)
    return bench


def lettered() -> Bench:
    """Twenty pages that recompression shrinks."""
    bench = recompressing.bench(pages=PAGES)
    for index in range(20):
        bench.dev.write_page(index, letters(index))
    return bench


def moved(bench: Bench) -> list[int]:
    return [index for index, entry in enumerate(bench.pages.table.entries) if type(entry) is Moved]


def test_the_beginning_is_one_moment_and_each_step_another() -> None:
    bench = holey()
    with bench.clock.counting() as taken:
        running = Compaction(bench.pages.table, bench.pages.shared.lock)
    assert taken == {"table": 1}
    with bench.clock.counting() as taken:
        running.advance()
    assert taken == {"table": 1}
    assert running.result == 0, "it has not ended"


def contents(bench: Bench) -> list[bytes]:
    return [bench.pages.peek_page(index) for index in range(PAGES)]


LEFT = [content(index) if index % 3 == 0 else bytes(PAGE_SIZE) for index in range(PAGES)]


def test_what_is_left_is_moved_and_stays_what_it_is() -> None:
    bench = holey()
    before, state = bench.snapshot, bench.dev.block_state()
    holes = bench.dev.compact()
    assert moved(bench) == list(range(0, PAGES, 3))
    assert (contents(bench), bench.snapshot, bench.dev.block_state()) == (LEFT, before, state)
    mm = bench.dev.stats.mm
    assert mm.pages_compacted == holes // PAGE_SIZE > 60
    assert mm.mem_used_total == -(-mm.compr_data_size // PAGE_SIZE) * PAGE_SIZE
    assert bench.dev.read_page(3) == content(3)
    into = bytearray(4 * PAGE_SIZE)
    bench.dev.read_pages_into(0, into)
    assert bytes(into) == b"".join(LEFT[:4])


@pytest.mark.parametrize("freed", [0, 5])
def test_few_holes_are_left_alone(freed: int) -> None:
    bench = Bench(pages=PAGES).store_huge(*range(PAGES))
    bench.dev.discard(0, freed * PAGE_SIZE)
    assert (bench.dev.compact(), moved(bench), bench.dev.stats.mm.pages_compacted) == (0, [], 0)


def test_what_was_compacted_has_no_holes() -> None:
    bench = holey()
    bench.dev.compact()
    assert bench.dev.compact() == 0


def test_what_recompression_left_is_holes_as_well() -> None:
    bench = lettered()
    before = bench.dev.stats.mm.compr_data_size
    assert bench.dev.recompress().recompressed == 20
    assert bench.dev.compact() == before - bench.dev.stats.mm.compr_data_size > 0


def write_idle_ones_back(bench: Bench) -> None:
    bench.dev.mark_idle()
    bench.dev.writeback("huge_idle")


AFTER: dict[str, Callable[[Bench], object]] = {
    "rewritten": lambda bench: bench.dev.write_page(3, huge(999)),
    "discarded": lambda bench: bench.dev.discard(3 * PAGE_SIZE, PAGE_SIZE),
    "patched": lambda bench: bench.dev.write(3 * PAGE_SIZE + 5, b"patch"),
    "written back": lambda bench: bench.dev.writeback(pages=[0, 3]),
    "marked idle and written back": write_idle_ones_back,
}


@pytest.mark.parametrize("name", list(AFTER))
@pytest.mark.parametrize("compressed", [False, True])
def test_a_moved_page_is_a_page_like_any_other(name: str, compressed: bool) -> None:
    plain, compacted = holey(compressed=compressed), holey(compressed=compressed)
    compacted.dev.compact()
    for bench in (plain, compacted):
        AFTER[name](bench)
    assert contents(compacted) == contents(plain)
    assert compacted.snapshot == plain.snapshot
    assert compacted.dev.block_state() == plain.dev.block_state()
    assert compacted.backing.data == plain.backing.data


def test_moved_pages_are_recompressed_and_the_reverse() -> None:
    bench = lettered()
    assert bench.dev.recompress(max_pages=5).recompressed == 5
    bench.dev.discard(5 * PAGE_SIZE, 10 * PAGE_SIZE)
    assert bench.dev.compact() > 0
    assert bench.dev.block_state().count("r") == 5
    assert bench.dev.recompress().recompressed == 5
    assert bench.dev.block_state().count("r") == 10
    assert [bench.dev.read_page(index) for index in (0, 4, 15, 19)] == [letters(index) for index in (0, 4, 15, 19)]


def test_a_page_moved_in_flight_is_committed() -> None:
    bench = holey()
    running = bench.dev.begin_writeback(pages=[0, 3])
    while not bench.engine.held:
        running.advance(1)
    bench.dev.compact()
    bench.engine.answer_all()
    assert finish(running).written == 2
    assert (contents(bench), bench.snapshot.bd_count) == (LEFT, 2)


def test_a_read_whose_segment_closes_returns_the_present_page() -> None:
    bench = holey()
    bench.dev.compact()
    pages = bench.pages
    entry = pages.table.entries[3]
    for index in range(PAGES):
        bench.dev.discard(index * PAGE_SIZE, PAGE_SIZE)
    for index in range(PAGES):  # so that another segment is filled, and the first one goes
        bench.dev.write_page(index, huge(1000 + index))
    bench.dev.discard(100 * PAGE_SIZE, 100 * PAGE_SIZE)
    bench.dev.compact()
    assert pages._decode(3, entry) == huge(1003)


def test_interrupted_it_leaves_everything_usable() -> None:
    bench = holey()
    with bench.passes.compaction() as running:
        assert running.advance() is PassProgress.PROGRESS
        assert (running.settled, running.selected) == (CHUNK, PAGES)
        running.cancel()
        assert running.advance() is PassProgress.DONE
        assert (running.result, running.advance()) == (0, PassProgress.DONE)
    assert (contents(bench), len(moved(bench))) == (LEFT, -(-CHUNK // 3))
    assert bench.dev.compact() > 0


def test_without_memory_for_a_segment_objects_are_not_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = holey()
    with monkeypatch.context() as patch:
        patch.setattr(mmap, "mmap", raising(OSError, errno.ENOMEM, "no memory"))
        assert bench.dev.compact() == 0
    assert (contents(bench), moved(bench)) == (LEFT, [])
    assert bench.dev.compact() > 0


def test_while_much_is_moved_memory_is_given_back_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    trims = list[int]()
    monkeypatch.setattr("zram_impl.passes.compaction.TRIM_LEAST", 10 * PAGE_SIZE)
    monkeypatch.setattr("zram_impl.passes.compaction.trim", lambda: trims.append(1))
    holey().dev.compact()
    assert len(trims) > 2


def test_it_needs_a_device() -> None:
    with refused(errno.EINVAL, "not initialised"):
        Zram().compact()


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
def test_readers_and_writers_continue_during_it() -> None:
    bench, stop = holey(), threading.Event()

    def wrong() -> list[int]:
        found: list[int] = []
        while not stop.is_set():
            found += [index for index in range(0, 99, 3) if bench.dev.read_page(index) != content(index)]
        return found

    reader = Aside(wrong)
    for turn in range(30):
        for index in range(100, PAGES):
            bench.dev.write_page(index, huge(index + turn))
        bench.dev.discard(100 * PAGE_SIZE, 60 * PAGE_SIZE)
        bench.dev.compact()
    stop.set()
    assert reader.join() == []
    assert [bench.dev.read_page(index) for index in range(160, PAGES)] == [huge(i + 29) for i in range(160, PAGES)]


@given(st.lists(st.tuples(st.sampled_from("wdcb"), st.integers(0, 15)), max_size=60))
def test_whatever_happens_pages_and_statistics_are_right(steps: list[tuple[str, int]]) -> None:
    bench = Bench(pages=16, blocks=16)
    expected = [bytes(PAGE_SIZE)] * 16
    pages = bench.pages
    for number, (step, index) in enumerate(steps):
        if step == "w":
            expected[index] = huge(number) if number % 2 else page(number)
            bench.dev.write_page(index, expected[index])
        elif step == "d":
            expected[index] = bytes(PAGE_SIZE)
            bench.dev.discard(index * PAGE_SIZE, PAGE_SIZE)
        elif step == "b":
            bench.dev.writeback(pages=[index])
        else:
            with bench.passes.compaction() as running:
                while running.advance() is not PassProgress.DONE:
                    running.wait()
        seen, mm = bench.snapshot, bench.dev.stats.mm
        memory = [slot for slot in seen.slots if slot.blk_idx is None]
        assert mm.compr_data_size == sum(slot.size for slot in memory)
        assert mm.huge_pages == sum(slot.huge for slot in memory)
        assert pages.table.segments.live == sum(moved_size(e) for e in pages.table.entries if type(e) is Moved)
    assert [pages.peek_page(index) for index in range(16)] == expected


def test_only_one_is_under_way() -> None:
    bench = holey()
    with bench.passes.compaction() as running:
        assert isinstance(running, Compaction)
        other = Aside(bench.dev.compact)
        while running.advance() is not PassProgress.DONE:
            pass
        assert not other.over
    assert other.join() == 0
