"""Recompression: what it tries, what it keeps, what it marks, and when it stops."""

import errno
from threading import Event

import pytest

from tests.impl.doubles import Bench, huge
from tests.impl.passes.recompressing import CHANGES, begun, bench, contents_of, filled, finish, letters, marks
from tests.refused import refused
from zram_impl import PAGE_SIZE, Quirks, RecompressResult, Zram, ZramError
from zram_impl.passes.base import PassProgress, PassStage
from zram_impl.shield import Interrupts
from zram_impl.units import SlotIndex


def test_smaller_objects_are_kept_and_others_incompressible() -> None:
    made = filled()
    before, contents = made.dev.stats.mm, contents_of(made)
    assert made.dev.recompress() == RecompressResult(selected=5, recompressed=3, no_gain=2)
    assert marks(made) == {0: "r", 1: "r", 2: "hn", 3: "n", 4: "r", 5: "s", 6: "wh"}
    now = made.dev.stats.mm
    assert (now.huge_pages, now.huge_pages_since, now.orig_data_size) == (1, 4, before.orig_data_size)
    assert before.compr_data_size - now.compr_data_size > 2000
    assert contents_of(made) == contents


def test_statistics_equal_a_recount() -> None:
    made = filled()
    made.dev.recompress()
    stored = [entry for entry in made.pages.table.entries if isinstance(entry, bytes)]
    assert made.dev.stats.mm.compr_data_size == sum(map(len, stored))
    for index in range(8):
        made.dev.discard(index * PAGE_SIZE, PAGE_SIZE)
    assert set(made.dev.stats.mm[:2]) == {0}


@pytest.mark.parametrize(
    ("mode", "tried"), [(None, [0, 1, 2, 3, 4]), ("idle", [1, 3]), ("huge", [0, 1, 2]), ("huge_idle", [1])]
)
def test_a_mode_says_what_is_tried(mode: str | None, tried: list[int]) -> None:
    made = filled()
    made.dev.mark_idle()
    for index in (0, 2, 4):
        made.dev.read_page(index)
    assert made.dev.recompress(mode).selected == len(tried)  # type: ignore[arg-type]  # a text
    assert sorted(index for index, found in marks(made).items() if set(found) & set("rn")) == tried
    assert "i" not in "".join(marks(made)[index] for index in tried)


def test_a_page_tried_without_gain_is_not_tried_again() -> None:
    made = filled()
    made.dev.recompress()
    assert made.dev.recompress() == RecompressResult()


def test_only_the_last_algorithm_finds_a_page_incompressible() -> None:
    made = bench("zstd", "deflate")
    made.dev.write_page(0, huge(0))
    assert (made.dev.recompress().no_gain, marks(made)) == (1, {0: "h"})
    assert (made.dev.recompress(priority=2).no_gain, marks(made)) == (1, {0: "hn"})


def test_a_page_moves_up_in_priority_and_never_down() -> None:
    made = bench("lz4hc", "zstd", "deflate")
    made.dev.write_page(0, letters(0))
    assert made.dev.recompress(algorithm="zstd").recompressed == 1
    assert made.dev.recompress(priority=1) == RecompressResult()
    assert made.dev.recompress(priority=3, algorithm="deflate").selected == 1
    assert made.dev.read_page(0) == letters(0)


def test_a_threshold_is_where_it_begins_and_what_it_has_to_reach() -> None:
    made = filled()
    result = made.dev.recompress(threshold=3000)
    assert result == RecompressResult(selected=5, recompressed=0, no_gain=3, below_threshold=2)
    made = filled()
    assert made.dev.recompress(threshold=3400) == RecompressResult(
        selected=5, recompressed=2, no_gain=1, below_threshold=2
    )


def test_an_object_of_just_the_threshold_is_not_kept() -> None:
    sizes = []
    for more in (0, 1):
        made = bench()
        made.dev.write_page(0, letters(0))
        if not more:
            assert made.dev.recompress().recompressed == 1
            sizes.append(made.pages.table.size(SlotIndex(0)))
            made.dev.write_page(0, letters(0))
        sizes.append(made.dev.recompress(threshold=sizes[0] + more).recompressed)
    assert sizes[1:] == [0, 1]


def test_what_is_below_the_threshold_keeps_its_idle_mark() -> None:
    made = filled()
    made.dev.mark_idle()
    made.dev.recompress(threshold=3000)
    assert [index for index, found in marks(made).items() if "i" in found] == [3, 4]


@pytest.mark.parametrize("most", [0, 1, 3])
def test_as_many_are_tried_as_allowed_whether_it_helps_or_not(most: int) -> None:
    result = filled().dev.recompress(max_pages=most)
    assert (result.recompressed + result.no_gain, result.left) == (most, 5 - most)
    assert (result.stopped_by, result.driver_errno) == ("max_pages", 0)


def test_the_largest_objects_and_the_last_of_a_size_go_first() -> None:
    seen = list[tuple[str, int]]()
    made = Bench(observer=lambda kind, *args: seen.append((kind, args[0])) if kind.startswith("recomp") else None)
    made.dev.reset()
    made.dev.set_recomp_algorithm("deflate")
    made.dev.initialise(8 * PAGE_SIZE)
    for index, content in enumerate([letters(0, 20), letters(1), letters(2, 2000), letters(3)]):
        made.dev.write_page(index, content)
    made.dev.recompress()
    assert seen == [("recompress", 3), ("recompress", 1), ("recompress", 2), ("recompress_in_vain", 0)]


def test_a_recompressed_page_counts_as_never_accessed() -> None:
    made = filled()
    made.clock.seconds = 2000
    made.dev.recompress()
    made.dev.mark_idle(age_seconds=1500)
    assert [index for index, found in marks(made).items() if "i" in found] == [0, 1, 4]


def test_a_recompressed_page_survives_writeback() -> None:
    for compressed in (False, True):
        made = bench(compressed=compressed)
        made.dev.write_page(0, letters(0))
        made.dev.recompress()
        assert made.dev.writeback(pages=[0]).written == 1
        assert (marks(made)[0], made.dev.read_page(0)) == ("wr", letters(0))
        assert made.dev.stats.mm.huge_pages == 0


def test_reading_and_writing_a_recompressed_page() -> None:
    made = bench()
    made.dev.write_page(0, letters(0))
    made.dev.recompress()
    into = bytearray(2 * PAGE_SIZE)
    made.dev.read_pages_into(0, into)
    assert bytes(into[:PAGE_SIZE]) == made.dev.read_page(0) == letters(0)
    made.dev.write(5, b"patch")
    assert (made.dev.read(0, 10), marks(made)) == (letters(0)[:5] + b"patch", {0: "h"})


def test_recompression_is_not_held_by_the_memory_limit() -> None:
    made = filled()
    made.dev.set_mem_limit(PAGE_SIZE)
    assert made.dev.recompress().recompressed == 3


# Changes during a pass


@pytest.mark.parametrize("name", list(CHANGES))
def test_a_page_that_is_accessed_before_its_turn_is_passed_over(name: str) -> None:
    made = filled()
    running = begun(made)
    CHANGES[name](made)
    contents = contents_of(made)
    assert finish(running) == RecompressResult(selected=5, recompressed=2, no_gain=2, skipped=1)
    assert (contents_of(made), "r" in marks(made).get(1, "")) == (contents, False)


@pytest.mark.parametrize("name", list(CHANGES))
def test_a_page_accessed_during_compression_is_skipped(name: str) -> None:
    made = filled()
    running = begun(made)
    compress = running._compress

    def overtaken(content: bytes) -> bytes:
        if content == letters(1):
            CHANGES[name](made)
        return compress(content)

    running._compress = overtaken
    assert finish(running) == RecompressResult(selected=5, recompressed=2, no_gain=2, skipped=1)
    assert "r" not in marks(made).get(1, "")
    assert contents_of(made)[1] == {"read": letters(1), "written": letters(9), "discarded": bytes(PAGE_SIZE)}[name]


def test_writeback_and_recompression_exclude_each_other() -> None:
    made = filled()
    running = begun(made)
    for call in (lambda: made.dev.writeback("huge"), made.dev.recompress):
        with refused(errno.EAGAIN, "another writeback or recompression is running"):
            call()
    finish(running)
    writing = made.dev.begin_writeback(pages=[0])
    with refused(errno.EAGAIN):
        made.dev.attrs.store("recompress", "type=huge")
    while writing.advance() is not PassProgress.DONE:
        writing.wait()


def test_a_cancelled_pass_leaves_the_rest_as_it_is() -> None:
    made = filled()
    cancel = Event()
    result = made.dev.recompress(progress=lambda settled, _selected: cancel.set() if settled else None, cancel=cancel)
    assert result.stopped_by in (None, "cancelled")
    running = begun(filled())
    running.advance(1)
    running.cancel()
    result = finish(running)
    assert (result.recompressed + result.no_gain, result.left, result.driver_errno) == (1, 4, errno.EINTR)
    assert (running.cancelled, running.settled, running.selected) == (True, 5, 5)


def test_progress_is_reported() -> None:
    seen = list[tuple[int, int]]()
    filled().dev.recompress(progress=lambda settled, selected: seen.append((settled, selected)))
    assert seen[-1][1] == 5


def test_nothing_is_claimed_after_the_end() -> None:
    made = filled()
    begun(made).cancel()
    made.dev.reset()
    assert made.dev.pages == 0


def test_a_reset_ends_a_running_pass() -> None:
    made = filled()
    running = begun(made)
    made.dev.reset()
    assert (running.stage, running.result.left) == (PassStage.OVER, 5)


def test_a_claim_of_recompression_is_seen_and_is_no_writeback() -> None:
    made = filled()
    begun(made)
    now = made.dev.snapshot()
    assert (now.requests, now.held_block, len(now.queued)) == ((), None, 5)


# Arguments


EINVAL, ERANGE = errno.EINVAL, errno.ERANGE
REFUSED = [
    ("huge", EINVAL),
    ("type=", EINVAL),
    ("type=small", EINVAL),
    ("threshold=3625", EINVAL),
    ("threshold=-1", EINVAL),
    ("threshold=4294967296", ERANGE),
    ("max_pages=x", EINVAL),
    ("priority=0", EINVAL),
    ("priority=4", EINVAL),
    ("priority=2", EINVAL),
    ("algo=zstd", EINVAL),
    ("algo=lz4", EINVAL),
    ("algo=deflate priority=2", EINVAL),
    ("foo=1", EINVAL),
]


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_a_text_that_is_refused_changes_nothing(text: str, code: int) -> None:
    made = filled()
    before = made.snapshot
    with refused(code):
        made.dev.attrs.store("recompress", text)
    assert made.snapshot == before


def test_the_attribute_takes_what_the_method_takes() -> None:
    made = filled()
    text = "type=huge max_pages=2 threshold=3400 algo=deflate priority=1\n"
    assert made.dev.attrs.store("recompress", text) == len(text)
    assert sum("r" in found for found in marks(made).values()) == 1  # page 2, tried first, does not shrink


def test_a_text_is_read_before_the_device_is_looked_at() -> None:
    for text, code in (("type=small", EINVAL), ("max_pages=99999999999999999999999", ERANGE), ("type=huge", EINVAL)):
        with refused(code):
            Zram().attrs.store("recompress", text)


def test_without_a_secondary_algorithm_recompression_is_refused() -> None:
    with Zram.create("64K") as dev, pytest.raises(ZramError, match="no algorithm is configured for priority 1"):
        dev.recompress()


@pytest.mark.parametrize(
    "arguments",
    [
        {"mode": "small"},
        {"mode": 5},
        {"threshold": 3625},
        {"threshold": None},
        {"max_pages": -1},
        {"max_pages": 1.0},
        {"priority": 9},
        {"priority": "1"},
        {"algorithm": 7},
    ],
)
def test_an_argument_that_means_nothing_is_refused(arguments: dict[str, object]) -> None:
    made = filled()
    before = made.snapshot
    with refused(EINVAL):
        made.dev.recompress(**arguments)  # type: ignore[arg-type]  # that is what is tested
    assert made.snapshot == before


def test_with_the_quirk_a_second_pass_waits_for_the_first() -> None:
    made = bench(quirks=Quirks(pass_waits=True))
    made.dev.write_page(0, letters(0))
    passes = made.passes
    running = begun(made)

    def finish_and_wait(_interrupts: Interrupts | None = None) -> None:
        finish(running)

    passes.wait_for_pass = finish_and_wait  # type: ignore[method-assign, assignment]  # somebody else ends it
    assert made.dev.recompress(priority=1) == RecompressResult()
