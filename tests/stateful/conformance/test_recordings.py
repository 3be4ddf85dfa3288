"""Every recording, replayed: not one difference."""

from pathlib import Path

import pytest

from stateful.conformance.replay import kernel_quirks, replay
from stateful.conformance.schema import read_recording, recorded_names
from zram_impl.sysfs import ATTRIBUTES

DATA = Path(__file__).resolve().parents[2] / "data" / "kernel-traces"
NAMES = recorded_names(DATA)


def test_the_recordings_are_there() -> None:
    assert len(NAMES) >= 341


@pytest.mark.skipif("io_stat" not in ATTRIBUTES, reason="needs every attribute that was recorded")
@pytest.mark.parametrize("name", NAMES)
def test_a_device_with_all_quirks_answers_as_the_kernel_did(name: str) -> None:
    recording = read_recording(DATA, name)
    assert [each.line for each in replay(recording, kernel_quirks(recording))] == []
