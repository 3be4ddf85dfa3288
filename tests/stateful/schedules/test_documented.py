"""What docs/schedules.md shows is what the command prints."""

import re
from pathlib import Path

import pytest

from stateful import command
from stateful.bugs import seeded

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "schedules.md").read_text(encoding="utf-8")


def without_counts(text: str) -> str:
    """The text without the number of points, which any lock that is added changes."""
    return re.sub(r"\d+ choices, \d+ points", "choices, points", text)


def test_the_replay_on_the_page_is_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    found = re.search(r"```console\n\$ python -m stateful (.*?)\n```\n```text\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    assert command.main(found[1].split()) == 1
    assert without_counts(capsys.readouterr().out) == without_counts(found[2])


def test_every_bar_on_the_page_is_that_of_a_variant() -> None:
    rows = re.findall(r"\| (random|PCT) \| (\d+) \| ([\d.]+) \|", PAGE)
    bars = {(bug.search.policy, bug.search.within) for bug in seeded.SCHEDULE if bug.search}
    assert len(rows) >= 7
    assert {(policy, int(bar)) for policy, bar, _median in rows} <= bars
    assert all(float(median) <= int(bar) for _policy, bar, median in rows)


def test_files_that_the_page_names_exist() -> None:
    folders = [Path(__file__).resolve().parents[3] / "stateful" / name for name in ("schedules", "guards", "pairs")]
    named = set(re.findall(r"`(\w+\.py)`", PAGE))
    assert {name for name in named if not any((folder / name).is_file() for folder in folders)} == set()
