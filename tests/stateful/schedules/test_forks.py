"""A child forked at any scheduling point of a standard scenario has a copy of the device that is whole."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from stateful.schedules.scenarios import SCENARIOS
from tests.test_tidy import ROOT


class Forking(NamedTuple):
    """The program that forks, and the file of what its children complain about."""

    process: subprocess.Popen[str]
    errors: Path

    def ask(self, name: str) -> str:
        """Return its line about a scenario, "" if it has ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(f"{name}\n")
            self.process.stdin.flush()
        return self.process.stdout.readline()


@pytest.fixture(scope="module")
def forking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forking]:
    errors = tmp_path_factory.mktemp("forking") / "errors"
    with (
        errors.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            [sys.executable, "-m", "tests.stateful.schedules.forking"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, text=True,
        ) as process,
    ):  # fmt: skip
        yield Forking(process, errors)
        process.kill()


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_child_forked_at_any_point_is_whole(name: str, forking: Forking) -> None:
    line = forking.ask(name)
    said = forking.errors.read_text(encoding="utf-8")
    assert line, said
    for outcomes, children in json.loads(line):
        assert (outcomes, children > 1) == ([0], True), said
