"""The decisions, cell by cell."""

import pytest

from zram_impl import decisions
from zram_impl.decisions import Completion, Mode


@pytest.mark.parametrize(
    ("ok", "kept", "row"),
    [
        (0, 0, Completion(commit=0, release_block=1, refund=1, bd_writes=0)),
        (0, 1, Completion(commit=0, release_block=1, refund=1, bd_writes=0)),
        (1, 0, Completion(commit=0, release_block=1, refund=0, bd_writes=1)),
        (1, 1, Completion(commit=1, release_block=0, refund=0, bd_writes=1)),
    ],
    ids=["failed and lost", "failed", "lost", "written"],
)
def test_completion(ok: int, kept: int, row: Completion) -> None:
    assert decisions.completion(ok, kept) == row


def test_a_block_goes_either_to_the_slot_or_back() -> None:
    rows = [decisions.completion(ok, kept) for ok in (0, 1) for kept in (0, 1)]
    assert [row.commit + row.release_block for row in rows] == [1] * 4


@pytest.mark.parametrize(
    ("enabled", "limit", "allowed", "charged"),
    [(0, 0, True, (0, 0)), (0, 7, True, (7, 0)), (1, 0, False, None), (1, 1, True, (0, 3)), (1, 7, True, (6, 3))],
)
def test_charging(enabled: int, limit: int, allowed: bool, charged: tuple[int, int] | None) -> None:
    assert decisions.may_charge(enabled, limit) is allowed
    assert charged is None or decisions.charge(enabled, limit, 3) == charged


@pytest.mark.parametrize(("charged", "limit"), [(0, 5), (2, 5), (3, 6)], ids=["uncharged", "older grant", "this grant"])
def test_refunding(charged: int, limit: int) -> None:
    assert decisions.refund(5, 3, charged) == limit


@pytest.mark.parametrize(("size", "bucket"), [(1, 0), (63, 0), (64, 1), (3624, 56), (4095, 63), (4096, 64)])
def test_buckets_are_64_bytes_wide(size: int, bucket: int) -> None:
    assert decisions.bucket(size) == bucket


MARKS = [(huge, idle, incompressible) for huge in (0, 1) for idle in (0, 1) for incompressible in (0, 1)]


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        (Mode.PAGES, MARKS),
        (Mode.IDLE, [marks for marks in MARKS if marks[1]]),
        (Mode.HUGE, [marks for marks in MARKS if marks[0]]),
        (Mode.HUGE_IDLE, [(1, 1, 0), (1, 1, 1)]),
        (Mode.INCOMPRESSIBLE, [marks for marks in MARKS if marks[2]]),
    ],
    ids=lambda value: value.name if isinstance(value, Mode) else "",
)
def test_what_a_mode_selects(mode: Mode, wanted: list[tuple[int, int, int]]) -> None:
    assert [marks for marks in MARKS if decisions.selects(mode, *marks)] == wanted
