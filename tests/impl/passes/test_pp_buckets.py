"""The candidates of a pass: largest first, last in first out, each out once."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zram_impl.passes.pp_buckets import PpBuckets
from zram_impl.table.slot_table import PP_SLOT
from zram_impl.units import SlotIndex


def filled(candidates: Iterable[tuple[int, int]]) -> PpBuckets:
    buckets = PpBuckets()
    buckets.place((SlotIndex(index), size) for index, size in candidates)
    return buckets


def drain(buckets: PpBuckets) -> list[int]:
    order = []
    while (index := buckets.peek()) is not None:
        assert buckets.pop() == index
        order.append(int(index))
    return order


@pytest.mark.parametrize(
    ("candidates", "order"),
    [
        ([], []),
        ([(7, 1)], [7]),
        ([(1, 100), (2, 4096), (3, 1000)], [2, 3, 1]),
        ([(1, 64), (2, 127), (3, 65)], [3, 2, 1]),
        ([(1, 63), (2, 64)], [2, 1]),
        ([(1, 64), (2, 63)], [1, 2]),
        ([(5, 4096), (5, 4096)], [5, 5]),
    ],
    ids=["none", "one", "largest first", "last first", "next bucket", "bucket border", "the same one twice"],
)
def test_order(candidates: list[tuple[int, int]], order: list[int]) -> None:
    assert drain(filled(candidates)) == order


def test_looking_at_the_next_candidate_leaves_it_there() -> None:
    buckets = filled([(4, 10)])
    assert ([buckets.peek(), buckets.peek()], len(buckets), buckets.waiting()) == ([4, 4], 1, [4])


def test_a_larger_one_that_comes_late_is_next() -> None:
    buckets = filled([(1, 10)])
    assert buckets.peek() == 1
    buckets.place([(SlotIndex(2), 4000)])
    assert drain(buckets) == [2, 1]


def test_an_emptied_store_takes_candidates_again() -> None:
    buckets = filled([(1, 4096)])
    drain(buckets)
    buckets.place([(SlotIndex(2), 10)])
    assert (len(buckets), drain(buckets), len(buckets)) == (1, [2], 0)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 4096)), max_size=40))
def test_candidates_leave_once_and_never_after_a_smaller_one(candidates: list[tuple[int, int]]) -> None:
    numbered = [(number, size) for number, (_, size) in enumerate(candidates)]
    buckets = filled(numbered)
    assert (len(buckets), sorted(buckets.waiting())) == (len(numbered), list(range(len(numbered))))
    assert drain(buckets) == [i for i, _ in sorted(numbered, key=lambda c: (c[1] // 64, c[0]), reverse=True)]


@pytest.mark.parametrize(
    ("most", "lost", "next_ones"),
    [
        (9, [], [4, 3, 2, 1]),
        (3, [], [4, 3, 2]),
        (2, [], [4, 3]),
        (9, [2], [4, 3]),
        (9, [1], [4, 3, 2]),
        (9, [4], []),
        (0, [], []),
        (-1, [], []),
    ],
    ids=[
        *("all buckets", "one whole bucket", "at most so many", "up to a lost claim", "up to one in the next bucket"),
        *("the first is lost", "none asked for", "overdrawn"),
    ],
)
def test_claimed_lists_candidates_up_to_a_lost_claim(most: int, lost: list[int], next_ones: list[int]) -> None:
    buckets = filled([(1, 10), (2, 1000), (3, 1000), (4, 1000)])
    flags = bytearray([0, *[PP_SLOT] * 4])
    for index in lost:
        flags[index] = 0
    assert (buckets.claimed(flags, most), len(buckets)) == (next_ones, 4)


@given(st.lists(st.integers(1, 4096), max_size=12), st.lists(st.integers(0, 5), max_size=5))
def test_detaching_some_is_taking_out_one_by_one(sizes: list[int], numbers: list[int]) -> None:
    together, singly = filled(enumerate(sizes)), filled(enumerate(sizes))
    flags = bytearray([PP_SLOT] * len(sizes))
    for number in numbers:
        following = together.claimed(flags, number)
        together.detach(len(following))
        assert following == [index for _ in following if (index := singly.peek()) is not None and singly.pop() == index]
        assert (len(together), together.peek()) == (len(singly), singly.peek())
    assert drain(together) == drain(singly)


def test_of_no_candidates_none_is_next() -> None:
    assert PpBuckets().claimed(bytearray(), 3) == []
