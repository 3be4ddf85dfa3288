"""Segments: what is stored is found until it is forgotten, and nothing is kept that nobody uses."""

import mmap
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.refused import raising
from zram_impl.table.segments import SEGMENT_SIZE, Segments

THIRD = SEGMENT_SIZE // 3 + 1


def test_an_object_is_found_where_it_was_put() -> None:
    segments = Segments()
    first, second = segments.store(b"first"), segments.store(b"and second")
    assert (segments.load(*first, 5), segments.load(*second, 10)) == (b"first", b"and second")
    assert (first, second) == ((1, 0), (1, 5))
    assert (segments.live, segments.held) == (15, 15)


def test_an_object_that_does_not_fit_begins_another_segment() -> None:
    segments = Segments()
    places = [segments.store(bytes([number]) * THIRD) for number in range(3)]
    assert [segment for segment, _offset in places] == [1, 1, 2]
    assert segments.held == 3 * THIRD


def test_a_segment_goes_with_its_last_object() -> None:
    segments = Segments()
    places = [segments.store(bytes(THIRD)) for _ in range(3)]
    segments.forget(1, THIRD)
    assert segments.held == 3 * THIRD
    segments.forget(1, THIRD)
    assert (segments.held, segments.load(*places[0], THIRD)) == (THIRD, None)


@pytest.mark.parametrize("another", [False, True])
def test_an_empty_segment_goes_when_it_is_filled_no_more(another: bool) -> None:
    segments = Segments()
    segments.store(bytes(THIRD))
    segments.forget(1, THIRD)
    assert segments.held == THIRD
    if another:
        segments.store(bytes(SEGMENT_SIZE))
    else:
        segments.close()
    assert (segments.held, segments.load(1, 0, 1)) == (segments.live, None)


def test_a_closed_segment_goes_with_its_last_object() -> None:
    segments = Segments()
    place = segments.store(b"little")
    segments.close()
    assert segments.load(*place, 6) == b"little"
    assert segments.store(b"more") == (2, 0)
    segments.forget(1, 6)
    assert set(segments.maps) == {2}


def test_a_number_is_never_used_again() -> None:
    segments = Segments()
    numbers = []
    for _ in range(4):
        segment, _offset = segments.store(bytes(SEGMENT_SIZE))
        numbers.append(segment)
        segments.forget(segment, SEGMENT_SIZE)
    assert (numbers, segments.held) == ([1, 2, 3, 4], SEGMENT_SIZE)


def test_sparse_segments_and_little_filled_ones_are_retired() -> None:
    segments, quarter = Segments(), SEGMENT_SIZE // 4
    for _ in range(9):
        segments.store(bytes(quarter))  # segments 1 and 2 are full, 3 is not
    segments.forget(2, quarter)
    assert segments.retire(3) == [3]
    assert segments.retire(4) == [3], "one byte in four is not more than that"
    assert segments.retire(5) == [2, 3]
    assert segments.store(b"more") == (4, 0)


def test_a_segment_filled_by_half_is_not_little_filled() -> None:
    segments = Segments()
    segments.store(bytes(SEGMENT_SIZE // 2))
    segments.close()
    segments.store(bytes(SEGMENT_SIZE // 2 - 1))
    assert segments.retire(2) == [2]


def test_memory_before_an_object_goes_back() -> None:
    segments = Segments()
    segments.store(b"x" * 10_000)
    place = segments.store(b"y" * 10_000)
    segments.close()
    segments.forget(1, 10_000)
    segments.give_back(1, 10_000)
    assert (segments.held, segments.live) == (10_000, 10_000)
    # The system gives memory back in whole pages; what it provides again is zeros.
    assert segments.maps[1].memory[:12_288] == bytes(8192) + b"x" * 1808 + b"y" * 2288
    assert segments.load(*place, 10_000) == b"y" * 10_000
    assert segments.load(1, 0, 10_000) is None
    segments.give_back(1, 5000)
    assert segments.held == 10_000
    segments.forget(1, 10_000)
    segments.give_back(1, 20_000)
    assert segments.held == 0


def test_locked_memory_stays_until_its_segment_goes() -> None:
    class Locked:
        def madvise(self, *_: int) -> None:
            raise OSError(22, "Invalid argument")

    segments = Segments()
    segments.store(bytes(10_000))
    segments.store(bytes(10_000))
    segments.close()
    segments.forget(1, 10_000)
    segments.maps[1].memory = cast("mmap.mmap", Locked())
    segments.give_back(1, 10_000)
    assert segments.held == 10_000


def test_what_goes_back_while_it_is_copied_is_not_read() -> None:
    class Raced:
        """Memory that goes back while somebody copies from it."""

        def __getitem__(self, part: "slice[int, int, None]") -> bytes:
            segments.maps[1].memory = memory
            segments.give_back(1, 5000)
            return memory[part]

    segments = Segments()
    segments.store(b"x" * 5000)
    segments.store(b"y" * 5000)
    segments.close()
    memory, segments.maps[1].memory = segments.maps[1].memory, cast("mmap.mmap", Raced())
    assert segments.load(1, 0, 5000) is None
    assert segments.load(1, 5000, 5000) == b"y" * 5000


def test_without_memory_nothing_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    segments = Segments()
    segments.store(bytes(SEGMENT_SIZE))

    with monkeypatch.context() as patch:
        patch.setattr(mmap, "mmap", raising(OSError, 12, "no memory"))
        with pytest.raises(OSError, match="no memory"):
            segments.store(b"x")
    assert (segments.live, segments.held) == (SEGMENT_SIZE, SEGMENT_SIZE)
    assert segments.store(b"x") == (2, 0)


@given(st.lists(st.tuples(st.integers(1, 4096), st.booleans()), max_size=80))
def test_what_is_used_is_found_whatever_goes(objects: list[tuple[int, bool]]) -> None:
    segments, kept = Segments(), dict[tuple[int, int], bytes]()
    for number, (size, stays) in enumerate(objects):
        data = bytes([number]) * size
        place = segments.store(data)
        if stays:
            kept[place] = data
        else:
            segments.forget(place[0], size)
    assert {place: segments.load(*place, len(data)) for place, data in kept.items()} == kept
    assert segments.live == sum(map(len, kept.values()))
