"""Segments: what is stored is found until it is forgotten, and nothing is kept that nobody uses."""

import mmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zram_impl.table.segments import SEGMENT_SIZE, Segments

THIRD = SEGMENT_SIZE // 3 + 1


def test_an_object_is_found_where_it_was_put() -> None:
    segments = Segments()
    first, second = segments.store(b"first"), segments.store(b"and second")
    assert (segments.load(*first, 5), segments.load(*second, 10)) == (b"first", b"and second")
    assert (first, second) == ((1, 0), (1, 5))
    assert (segments.live, segments.held) == (15, SEGMENT_SIZE)


def test_an_object_that_does_not_fit_begins_another_segment() -> None:
    segments = Segments()
    places = [segments.store(bytes([number]) * THIRD) for number in range(3)]
    assert [segment for segment, _offset in places] == [1, 1, 2]
    assert segments.held == 2 * SEGMENT_SIZE


def test_a_segment_goes_with_its_last_object() -> None:
    segments = Segments()
    places = [segments.store(bytes(THIRD)) for _ in range(3)]
    segments.forget(1, THIRD)
    assert segments.held == 2 * SEGMENT_SIZE
    segments.forget(1, THIRD)
    assert (segments.held, segments.load(*places[0], THIRD)) == (SEGMENT_SIZE, None)


def test_the_segment_that_is_being_filled_stays_until_another_is_begun() -> None:
    segments = Segments()
    segments.store(bytes(THIRD))
    segments.forget(1, THIRD)
    assert segments.held == SEGMENT_SIZE
    segments.store(bytes(SEGMENT_SIZE))
    assert segments.held == SEGMENT_SIZE
    assert segments.load(1, 0, 1) is None


def test_a_number_is_never_used_again() -> None:
    segments = Segments()
    numbers = []
    for _ in range(4):
        segment, _offset = segments.store(bytes(SEGMENT_SIZE))
        numbers.append(segment)
        segments.forget(segment, SEGMENT_SIZE)
    assert (numbers, segments.held) == ([1, 2, 3, 4], SEGMENT_SIZE)


def test_a_retired_segment_is_filled_no_further() -> None:
    segments = Segments()
    segments.store(b"little")
    assert segments.retire(100) == {1}
    assert segments.store(b"more") == (2, 0)
    assert segments.retire(0) == set()


def test_without_memory_nothing_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    segments = Segments()
    segments.store(bytes(SEGMENT_SIZE))

    def refuse(*_: object, **__: object) -> None:
        raise OSError(12, "no memory")

    with monkeypatch.context() as patch:
        patch.setattr(mmap, "mmap", refuse)
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
