"""Requests on consecutive blocks share a device write."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zram_impl.engine.request import WbReq
from zram_impl.engine.runs import into_runs
from zram_impl.units import BlkIdx


def on_blocks(blocks: Iterable[int]) -> list[WbReq]:
    made = []
    for number, block in enumerate(blocks):
        request = WbReq(number, memoryview(b""))
        request.blk_idx = BlkIdx(block)
        made.append(request)
    return made


def blocks_of(runs: Iterable[Iterable[WbReq]]) -> list[list[int]]:
    return [[request.blk_idx for request in run] for run in runs]


@pytest.mark.parametrize(
    ("blocks", "limit", "expected"),
    [
        ([], 4, []),
        ([7], 4, [[7]]),
        ([3, 1, 2], 4, [[1, 2, 3]]),
        ([1, 2, 4, 5], 4, [[1, 2], [4, 5]]),
        ([0, 1, 2, 3, 4], 4, [[0, 1], [2, 3, 4]]),
        ([9, 0, 2, 4], 4, [[0], [2], [4], [9]]),
        ([1, 1, 3], 4, [[1], [1], [3]]),
        ([5, 6, 7], 1, [[5], [6], [7]]),
    ],
)
def test_consecutive_blocks_make_a_run(blocks: list[int], limit: int, expected: list[list[int]]) -> None:
    assert blocks_of(into_runs(on_blocks(blocks), limit)) == expected


@given(st.sets(st.integers(0, 40)), st.integers(1, 12))
def test_runs_are_consecutive_balanced_complete_and_few(blocks: set[int], limit: int) -> None:
    runs = blocks_of(into_runs(on_blocks(blocks), limit))
    assert [block for run in runs for block in run] == sorted(blocks)
    stretches = blocks_of(into_runs(on_blocks(blocks), 41))
    for stretch in stretches:
        inside = [run for run in runs if run[0] in stretch]
        assert all(run == list(range(run[0], run[-1] + 1)) for run in inside)
        assert len(inside) == -(-len(stretch) // limit)
        assert max(map(len, inside)) - min(map(len, inside)) <= 1
