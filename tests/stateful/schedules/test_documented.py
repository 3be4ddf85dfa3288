"""The sample in docs/schedules.md is the output of the command."""

import re
from pathlib import Path

import pytest

from docs.draw_bugs import measured
from stateful import command
from stateful.schedules.scenarios import SCENARIOS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "schedules.md").read_text(encoding="utf-8")


def without_counts(text: str) -> str:
    """The text without the number of points, which any lock that is added changes."""
    return re.sub(r"\d+ choices, \d+ points", "choices, points", text)


def test_the_replay_on_the_page_is_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    found = re.search(r"```console\n\$ python -m stateful (.*?)\n```\n```text\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    assert command.main(found[1].split()) == 1
    assert without_counts(capsys.readouterr().out) == without_counts(found[2])


def test_the_medians_on_the_page_are_those_that_were_measured() -> None:
    medians = [figures[0] for figures in measured()["schedules"].values()]
    assert f"a median of {min(medians):g} to {max(medians):g}" in " ".join(PAGE.split())


def test_there_are_as_many_scenarios_as_the_page_says() -> None:
    assert re.findall(r"(\d+) scenarios", " ".join(PAGE.split())) == [str(len(SCENARIOS))]


def test_files_that_the_page_names_exist() -> None:
    folders = [
        Path(__file__).resolve().parents[3] / "stateful" / name for name in ("bugs", "schedules", "guards", "pairs")
    ]
    named = set(re.findall(r"`(\w+\.py)`", PAGE))
    assert {name for name in named if not any((folder / name).is_file() for folder in folders)} == set()
