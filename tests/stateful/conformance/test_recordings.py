"""Every recording, replayed: not one difference."""

import re
from pathlib import Path

import pytest

from stateful.conformance.replay import kernel_quirks, replay
from stateful.conformance.schema import read_recording, recorded_names
from zram_impl.sysfs import ATTRIBUTES

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data" / "kernel-traces"
NAMES = recorded_names(DATA)


def test_the_recordings_are_those_that_are_documented() -> None:
    """They were more than the printed output of two commands said, and so were the quirks that they show."""
    operations = sum(len((DATA / f"{name}.ops.jsonl").read_text(encoding="utf-8").splitlines()) - 1 for name in NAMES)
    text = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    counted = (str(len(NAMES)), str(operations))
    assert re.findall(r"^(\d+) sequences, (\d+) operations,", text, re.MULTILINE) == [counted] * 2


@pytest.mark.skipif("io_stat" not in ATTRIBUTES, reason="needs every attribute that was recorded")
@pytest.mark.parametrize("name", NAMES)
def test_a_device_with_all_quirks_answers_as_the_kernel_did(name: str) -> None:
    recording = read_recording(DATA, name)
    assert [each.line for each in replay(recording, kernel_quirks(recording))] == []
