"""Schedules that showed a bug are kept as tokens: clean as the code is, broken with the bug put back."""

from pathlib import Path

import pytest

from stateful.schedules import variants
from stateful.schedules.playing import play_twice
from stateful.schedules.token import decode

KEPT = Path(__file__).resolve().parents[2] / "regressions.tokens"
LINES = [line.split(maxsplit=2) for line in KEPT.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]


@pytest.mark.parametrize(("token", "variant", "_what"), LINES)
def test_a_kept_schedule_is_clean(token: str, variant: str, _what: str) -> None:
    assert play_twice(decode(token)).error is None


@pytest.mark.parametrize(("token", "variant", "_what"), [line for line in LINES if line[1] != "-"])
def test_a_kept_schedule_still_shows_its_bug(token: str, variant: str, _what: str) -> None:
    with variants.by_name(variant).applied():
        assert play_twice(decode(token)).found in variants.by_name(variant).breaks


def test_every_variant_has_a_kept_schedule() -> None:
    assert {line[1] for line in LINES} >= set(variants.NAMES)
