"""A child forked at any scheduling point of a standard scenario has a copy of the device that is whole."""

import json
import subprocess
import sys

import pytest

from stateful.schedules.scenarios import SCENARIOS
from tests.test_tidy import ROOT

SECONDS = 120


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_child_forked_at_any_point_is_whole(name: str) -> None:
    command = [sys.executable, "-m", "tests.stateful.schedules.forking", name]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 0, ended.stderr
    for outcomes, children in json.loads(ended.stdout):
        assert (outcomes, children > 1) == ([0], True), ended.stderr
