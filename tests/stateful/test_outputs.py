"""Every command of `stateful` prints the document of the schema, and nothing else to stdout."""

import argparse
import json
from pathlib import Path

import pytest

from spec.outputs.verdicts import Verdicts
from stateful.command import main
from stateful.conformance import command as conformance
from stateful.conformance.compare import Difference
from stateful.conformance.schema import Recording
from stateful.interrupts import command as interrupts
from stateful.interrupts.search import UnsoundPoint
from stateful.metamorphic import command as metamorphic
from stateful.metamorphic.independence import ProgramCampaign
from stateful.schedules import checks, search
from stateful.schedules.scenarios import THEMES
from stateful.schedules.search import ScheduleFinding, SearchResult
from stateful.traces.check import Judgement, TraceFinding
from stateful.traces.verdict import check_of
from tests.spec.outputs.schema import valid

RECORDINGS = Path(__file__).resolve().parents[1] / "data" / "kernel-traces"


def document(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> list[dict[str, object]]:
    """Run a command with --json; return the checks of its document."""
    assert main([*arguments, "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    valid(found)
    assert found["verdict"] == ("failed" if code else "passed")
    checks: list[dict[str, object]] = found["checks"]
    return checks


def test_a_command_without_checks_of_its_own_has_one(capsys: pytest.CaptureFixture[str]) -> None:
    (check,) = document(capsys, 0, "guards", "--meeting", "stored", "Zram.read_page", "Zram.discard", "0", "1")
    assert (check["name"], check["what"]) == ("guards", "exit code 0")


@pytest.fixture
def one_recording(tmp_path: Path) -> str:
    first = min(RECORDINGS.rglob("*.ops.jsonl"))
    for suffix in ("ops", "expected"):
        source = first.with_name(first.name.replace(".ops.", f".{suffix}."))
        (tmp_path / source.name).write_bytes(source.read_bytes())
    return str(tmp_path)


def test_each_recording_is_a_check(one_recording: str, capsys: pytest.CaptureFixture[str]) -> None:
    (check,) = document(capsys, 0, "conformance", one_recording)
    assert str(check["what"]).endswith("operations, 0 differences")


def test_a_difference_is_at_its_operation(
    one_recording: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def differ(recording: Recording, *_quirks: object) -> list[Difference]:
        return [Difference(recording.name, 4, "rc", "0", "-5")]

    monkeypatch.setattr(conformance, "replay", differ)
    (check,) = document(capsys, 1, "conformance", one_recording)
    findings = check["findings"]
    assert isinstance(findings, list)
    assert findings[0]["place"]["line"] == 5
    assert findings[0]["place"]["path"].endswith(".ops.jsonl")


def test_programs_that_disagree_are_a_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert document(capsys, 0, "metamorphic", "--programs", "1")[0]["name"] == "metamorphic"
    wrong = AssertionError("the passes differ\nin full")
    wrong.add_note("the program")
    monkeypatch.setattr(metamorphic, "run", lambda *_arguments: ProgramCampaign(1, 2, 1, 0, wrong))
    (check,) = document(capsys, 1, "metamorphic", "--programs", "1", "--seed", "7")
    findings = check["findings"]
    assert isinstance(findings, list)
    assert findings[0]["sentence"] == "the passes differ"
    assert findings[0]["details"].endswith("the program")
    assert findings[0]["again"] == "python -m stateful metamorphic --programs 1 --seed 7"


def test_a_call_that_is_unsound_is_a_check_with_findings() -> None:
    asked = argparse.Namespace(verdicts=Verdicts("test"), parser=argparse.ArgumentParser(prog="interrupts"))
    found = [UnsoundPoint("compact", (3,), ("f",), ("locks: table is held", "pages: lost"))]
    interrupts._note(asked, {"compact": 9, "reset": 5}, found)
    verdicts: Verdicts = asked.verdicts
    assert [(check.name, check.verdict, len(check.findings)) for check in verdicts.checks] == [
        ("compact", "failed", 2), ("reset", "passed", 0),
    ]  # fmt: skip
    assert verdicts.checks[0].findings[0].rule == "locks"
    valid(verdicts.data())


def test_what_a_schedule_finds_is_at_its_property(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        ScheduleFinding("two writes", "every_block_has_one_owner", "python -m stateful replay 1"),
        ScheduleFinding("two writes", "ZeroDivisionError", "python -m stateful replay 2"),
    ]
    monkeypatch.setattr(checks, "exhaust_one", lambda *_arguments: SearchResult(1, 2, 3, tuple(found)))
    result = checks.every_schedule_of(next(iter(THEMES)), 1, lambda _text: None)
    first, second, *_rest = result.findings
    assert first.place is not None
    assert first.place.path == "spec/model/invariant.py"
    assert first.again == "python -m stateful replay 1"
    assert (second.place, second.sentence) == (None, "two writes: ZeroDivisionError")
    assert "two writes: every_block_has_one_owner: python -m stateful replay 1" in result.details
    assert search.SearchResult().findings == ()


def test_foreign_pages_that_nothing_explains_are_a_finding() -> None:
    judgement = Judgement(None, [], 12, "there is no end")
    assert check_of("t", judgement, 0.5).verdict == "incomplete"
    check = check_of("t", judgement, 0.5, unexplained=2)
    assert (check.verdict, check.findings[0].rule) == ("failed", "a_foreign_page_is_explained")
    both = check_of("t", judgement._replace(finding=TraceFinding(4, "impossible", "details")), 0.5, 1)
    assert [each.place and each.place.line for each in both.findings] == [4, 1]
