"""The rows of `check` for the recordings, and of programs run in several ways."""

import re
from pathlib import Path

import pytest

from stateful.conformance import job
from stateful.conformance.compare import Difference
from stateful.conformance.replay import kernel_quirks
from stateful.conformance.schema import Recording
from stateful.metamorphic.independence import ProgramCampaign
from tests.stateful.conformance.test_recordings import DATA, NAMES
from zram_impl import Quirks

SAID: list[str] = []


def test_the_recordings_of_the_tests_are_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is, with the quirks of its kernel; that there is no difference is shown one by one in `test_recordings`."""
    replayed: list[str] = []

    def replay(recording: Recording, quirks: Quirks) -> list[Difference]:
        assert quirks == kernel_quirks(recording)
        replayed.append(recording.name)
        return []

    monkeypatch.setattr(job, "replay", replay)
    verdict = job.recordings(SAID.append)
    assert verdict.good
    assert (replayed, job.RECORDINGS) == (NAMES, DATA)
    count = len(NAMES)
    assert re.fullmatch(
        rf"{count} recordings of Linux 7.3.4 replayed, \d\d,\d\d\d operations, 0 differences", verdict.what
    )
    assert verdict.details == ""


def test_a_difference_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "recorded_names", lambda _directory: ["h10_malformed"])
    monkeypatch.setattr(Quirks, "linux_7_3", Quirks)
    verdict = job.recordings(SAID.append)
    assert not verdict.good
    assert "h10_malformed op 31 rc: expected 5, got -1" in verdict.details


def test_missing_recordings_are_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(job, "RECORDINGS", tmp_path)
    verdict = job.recordings(SAID.append)
    assert (verdict.good, "there is no NAME.ops.jsonl" in verdict.what) == (False, True)


def test_programs_are_run_in_several_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "PROGRAMS", 2)
    verdict = job.independence(SAID.append)
    assert verdict.good
    assert verdict.what.startswith("2 programs had equal outcomes in 18 runs")


def test_a_program_with_another_outcome_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = AssertionError("pages with Way(2) are not those of Way(1)")
    finding.add_note("the program")
    monkeypatch.setattr(job, "run", lambda *_args: ProgramCampaign(1, 8, 1, 0, finding))
    verdict = job.independence(SAID.append)
    assert (verdict.good, verdict.details) == (False, "pages with Way(2) are not those of Way(1)\nthe program")
