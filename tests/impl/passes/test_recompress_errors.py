"""Recompression of pages that cannot be had or compressed."""

import errno

import pytest

from tests.impl.passes.recompressing import CHANGES, begun, bench, filled, finish, letters, marks
from tests.refused import raising, refused
from zram_impl import PAGE_SIZE, Quirks, ZramError


def test_a_damaged_object_stops_the_pass_with_its_errno() -> None:
    made = filled()
    made.dev._life.live().pages.table.entries[4] = b"\xff" * 2100
    result = made.dev.recompress()
    assert not any(slot.owned for slot in made.snapshot.slots)
    assert (result.failed, result.errors, result.stopped_by, result.left) == (1, [(4, errno.EIO)], "error", 1)
    made.dev.mark_idle()
    with refused(errno.EIO, "recompress 'type=idle'"):
        made.dev.attrs.store("recompress", "type=idle\n")


def test_a_lack_of_memory_stops_the_pass() -> None:
    running = begun(filled())
    running._compress = raising(MemoryError)
    result = finish(running)
    assert (result.failed, result.left, result.driver_errno) == (1, 4, errno.ENOMEM)


def test_an_algorithm_that_refuses_a_page_stops_the_pass() -> None:
    """The driver's answers of recompress_refused: the page is no longer idle, those after it are not tried."""
    made = bench("lz4hc", quirks=Quirks(dictionaries_limited=True))
    made.dev.reset()
    made.dev.set_recomp_algorithm("lz4hc")
    made.dev.set_algorithm_params(1, dictionary=bytes(range(256)) * 256 + b"x")
    made.dev.initialise(8 * PAGE_SIZE)
    for index in range(2):
        made.dev.write_page(index, letters(index, 1000 * (index + 1)))
    made.dev.mark_idle()
    with refused(errno.EINVAL):
        made.dev.attrs.store("recompress", "type=idle")
    assert marks(made) == {0: "i", 1: ""}
    result = made.dev.recompress(max_pages=1)
    assert (result.failed, result.left, result.stopped_by) == (1, 1, "error")
    assert not any(slot.owned for slot in made.snapshot.slots)


@pytest.mark.parametrize("name", list(CHANGES))
def test_a_refused_page_that_was_accessed_is_left_alone(name: str) -> None:
    made = filled()
    made.dev.mark_idle()
    running = begun(made)

    def overtaken(_content: bytes) -> bytes:
        CHANGES[name](made)
        if name != "discarded":
            made.dev.mark_idle()
        raise ZramError(errno.EINVAL, "no")

    while made.dev._life.live().pages.table.flags[1] and running._buckets.peek() != 1:
        running.advance(1)
    running._compress = overtaken
    assert finish(running).errors == [(1, errno.EINVAL)]
    assert marks(made).get(1) == {"read": "hi", "written": "hi", "discarded": None}[name]
