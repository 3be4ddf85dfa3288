"""Page numbers and byte ranges: their meaning, and the refused ones."""

import errno
import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.refused import refused
from zram_impl.decisions import Mode
from zram_impl.parsing.ranges import check_bytes, page_range, pieces, scans_for, whole_pages
from zram_impl.parsing.writeback_args import Scan
from zram_impl.units import PAGE_SIZE as P

N = 4
"""Pages of the device."""


def test_pages_of_whole_pages() -> None:
    assert [page_range(N, 0, N * P), page_range(N, 1, 2 * P), page_range(N, 4, 0)] == [
        range(4),
        range(1, 3),
        range(4, 4),
    ]


@pytest.mark.parametrize(
    ("start", "length", "message"),
    [
        (0, P - 1, f"length must be a multiple of {P}, got {P - 1}"),
        (0, 5 * P, "pages must be within 0 to 3, got 0 to 4"),
        (4, P, "pages must be within 0 to 3, got 4 to 4"),
        (-1, P, "pages must be within 0 to 3, got -1 to -1"),
        (5, 0, "pages must be within 0 to 3, got 5 to 4"),
    ],
)
def test_other_pages_are_refused(start: int, length: int, message: str) -> None:
    with refused(errno.EINVAL, re.escape(message)):
        page_range(N, start, length)


@pytest.mark.parametrize(
    ("offset", "length", "cut"),
    [
        (0, 0, []),
        (N * P, 0, []),
        (0, P, [(0, 0, P)]),
        (1, 2, [(0, 1, 3)]),
        (P - 1, 2, [(0, P - 1, P), (1, 0, 1)]),
        (P + 8, 2 * P, [(1, 8, P), (2, 0, P), (3, 0, 8)]),
    ],
)
def test_pieces_of_a_byte_range(offset: int, length: int, cut: list[tuple[int, int, int]]) -> None:
    assert pieces(N, offset, length) == cut


@pytest.mark.parametrize(
    ("offset", "length", "inside"),
    [(0, 0, (0, 0)), (0, P, (0, 1)), (1, P, (1, 1)), (1, 2 * P, (1, 2)), (P, 3 * P, (1, 4)), (1, 2, (1, 0))],
)
def test_whole_pages_inside_a_byte_range(offset: int, length: int, inside: tuple[int, int]) -> None:
    assert whole_pages(N, offset, length) == inside


@pytest.mark.parametrize("check", [check_bytes, pieces, whole_pages])
@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1), (0, N * P + 1), (N * P, 1), (N * P + 1, 0), (-1, 0)])
def test_bytes_beyond_the_device_are_refused(
    check: Callable[[int, int, int], object], offset: int, length: int
) -> None:
    message = f"offset + length must be within the device's {N * P} bytes, got {offset} + {length}"
    with refused(errno.EINVAL, re.escape(message)):
        check(N, offset, length)


@given(st.integers(0, N * P), st.integers(0, N * P))
def test_pieces_cover_the_range_once_and_in_order(one: int, other: int) -> None:
    lo, hi = sorted((one, other))
    covered = [(index * P + first, index * P + end) for index, first, end in pieces(N, lo, hi - lo)]
    borders = [lo, *(end for _, end in covered)]
    assert covered == list(pairwise(borders))
    assert borders[-1] == hi


@pytest.mark.parametrize(
    ("mode", "scan"), [("idle", Mode.IDLE), ("huge", Mode.HUGE), ("huge_idle", Mode.HUGE_IDLE),
                       ("incompressible", Mode.INCOMPRESSIBLE)]
)  # fmt: skip
def test_a_mode_scans_the_whole_device(mode: str, scan: Mode) -> None:
    assert scans_for(N, mode, None, None) == [Scan(scan, 0, N)]


def test_pages_and_ranges_become_scans_with_both_ends() -> None:
    expected = [Scan(Mode.PAGES, 3, 4), Scan(Mode.PAGES, 0, 1), Scan(Mode.PAGES, 1, 3)]
    assert scans_for(N, None, iter([3, 0]), iter([(1, 2)])) == expected


def test_naming_no_page_is_no_scan() -> None:
    assert scans_for(N, None, [], None) == scans_for(N, None, None, []) == []


@pytest.mark.parametrize(
    ("mode", "indexes", "ranges", "message"),
    [
        (None, None, None, "mode, pages or ranges must be given"),
        ("huge", [1], None, "mode must be alone, got 'huge' and named pages"),
        ("huge", None, [], "mode must be alone, got 'huge' and named pages"),
        ("pages", None, None, "mode must be one of idle, huge, huge_idle, incompressible, got 'pages'"),
        ("", None, None, "got ''"),
        (None, [0, 4], None, "pages must be within 0 to 3, got 4 to 4"),
        (None, [-1], None, "pages must be within 0 to 3, got -1 to -1"),
        (None, None, [(0, 4)], "pages must be within 0 to 3, got 0 to 4"),
        (None, None, [(2, 1)], "pages must be within 0 to 3, got 2 to 1"),
    ],
)
def test_other_requests_are_refused(
    mode: str | None, indexes: list[int] | None, ranges: list[tuple[int, int]] | None, message: str
) -> None:
    with refused(errno.EINVAL, re.escape(message)):
        scans_for(N, mode, indexes, ranges)
