"""Schedules that showed a bug are kept as tokens: clean as the code is, broken with the bug put back."""

from pathlib import Path

import pytest

from stateful.schedules import mended
from stateful.schedules.run import play_twice
from stateful.schedules.token import decode

KEPT = Path(__file__).resolve().parents[2] / "regressions.tokens"
LINES = [line.split(maxsplit=2) for line in KEPT.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]


@pytest.mark.parametrize(("token", "variant", "_what"), LINES)
def test_a_kept_schedule_is_clean(token: str, variant: str, _what: str) -> None:
    assert play_twice(decode(token)).error is None


@pytest.mark.parametrize(("token", "variant", "_what"), LINES)
def test_a_kept_schedule_still_shows_its_bug(token: str, variant: str, _what: str) -> None:
    bug = mended.by_name(variant)
    with bug.applied():
        assert play_twice(decode(token)).found in bug.breaks


def test_every_bug_has_a_kept_schedule_and_every_kept_schedule_a_bug() -> None:
    assert {line[1] for line in LINES} == set(mended.NAMES)
