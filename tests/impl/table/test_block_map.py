"""Blocks in use, and the place of the next one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zram_impl.table.block_map import NextFit
from zram_impl.units import BlkIdx


def reserve_all(blocks: NextFit, count: int) -> list[int | None]:
    return [blocks.reserve() for _ in range(count)]


def test_blocks_are_reserved_in_order_until_all_are_used() -> None:
    blocks = NextFit(3)
    assert (reserve_all(blocks, 5), blocks.used, blocks.in_use()) == ([0, 1, 2, None, None], 3, b"\1\1\1")


def test_without_blocks_there_is_nothing_to_reserve() -> None:
    assert NextFit(0).reserve() is None


@pytest.mark.parametrize(
    ("lowest", "next_ones"), [(False, [3, 0, 1, None]), (True, [0, 1, 3, None])], ids=["next fit", "lowest first"]
)
def test_a_freed_block_is_reserved_after_those_behind_the_last(lowest: bool, next_ones: list[int | None]) -> None:
    blocks = NextFit(4, lowest=lowest)
    reserve_all(blocks, 3)
    blocks.release(BlkIdx(0))
    blocks.release(BlkIdx(1))
    assert reserve_all(blocks, 4) == next_ones


def test_the_map_is_a_copy() -> None:
    blocks = NextFit(2)
    before = blocks.in_use()
    blocks.reserve()
    assert (before, blocks.in_use()) == (b"\0\0", b"\1\0")


def test_a_block_that_nobody_owns_is_not_released() -> None:
    blocks = NextFit(2)
    with pytest.raises(AssertionError, match="block 1 is released twice"):
        blocks.release(BlkIdx(1))
    assert (blocks.used, blocks.in_use()) == (0, b"\0\0")


@given(st.integers(0, 9), st.booleans(), st.lists(st.integers(-9, 9), max_size=60))
def test_a_block_has_one_owner_and_a_free_one_is_always_found(count: int, lowest: bool, steps: list[int]) -> None:
    blocks, owned = NextFit(count, lowest=lowest), set[int]()
    for step in steps:
        if step in owned:
            owned.remove(step)
            blocks.release(BlkIdx(step))
        else:
            got = blocks.reserve()
            assert got is None if len(owned) == count else got not in owned
            owned |= set() if got is None else {got}
        assert (blocks.used, blocks.in_use()) == (len(owned), bytes(int(block in owned) for block in range(count)))


@given(
    st.integers(0, 12),
    st.booleans(),
    st.lists(st.one_of(st.integers(0, 12), st.integers(0, 5).map(lambda most: -most)), max_size=30),
)
def test_blocks_taken_at_once_are_those_taken_one_by_one(count: int, lowest: bool, steps: list[int]) -> None:
    at_once, one_by_one = NextFit(count, lowest=lowest), NextFit(count, lowest=lowest)
    for step in steps:
        if step > 0 and step <= count and at_once.in_use()[step - 1]:
            at_once.release(BlkIdx(step - 1))
            one_by_one.release(BlkIdx(step - 1))
        elif step <= 0:
            blocks = at_once.reserve_up_to(-step)
            assert blocks == reserve_all(one_by_one, min(-step, (count - one_by_one.used)))
    assert (at_once.in_use(), at_once.used) == (one_by_one.in_use(), one_by_one.used)
