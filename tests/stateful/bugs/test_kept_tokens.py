"""Schedules that showed a bug are kept as tokens: clean on the device as it is, broken with the bug seeded."""

from pathlib import Path

import pytest

from stateful.bugs import seeded
from stateful.schedules.run import execute_twice
from stateful.schedules.token import decode

KEPT = Path(__file__).resolve().parents[2] / "regressions.tokens"
LINES = [line.split(maxsplit=2) for line in KEPT.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]


@pytest.mark.parametrize(("token", "bug", "_what"), LINES)
def test_a_kept_schedule_is_clean(token: str, bug: str, _what: str) -> None:
    assert execute_twice(decode(token)).error is None


@pytest.mark.parametrize(("token", "bug", "_what"), LINES)
def test_a_kept_schedule_still_shows_its_bug(token: str, bug: str, _what: str) -> None:
    seed = seeded.by_name(bug)
    with seed.applied():
        assert execute_twice(decode(token)).found in seed.breaks


def test_every_schedule_bug_has_a_kept_schedule() -> None:
    assert {line[1] for line in LINES} == {bug.name for bug in (*seeded.SCHEDULE, *seeded.HARNESS)}
