"""The document of `--json`, and the same verdicts as JUnit and SARIF: each is what its readers expect."""

import argparse
import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pytest

from spec.outputs.junit import junit
from spec.outputs.options import add_outputs, write, write_file
from spec.outputs.places import SENTENCES, place
from spec.outputs.sarif import sarif
from spec.outputs.verdicts import ROOT, Check, Finding, FlowStep, Place, Verdicts, place_of, rule_name
from tests.spec.outputs.schema import valid

STEPS: Final = (
    FlowStep("user", "write(slot 0, huge 0)", "zram_write_page", Place("spec/model/user.py", 20)),
    FlowStep("pass", "scan(slot 0)", "scan_slots_for_writeback"),
    FlowStep("user", "discard(slot 0)"),
)
FOUND: Final = Finding("a_rule", "a sentence <&>\x00", "details", "python -m again", Place("a file.py", 3), STEPS)


def verdicts(*checks: Check) -> Verdicts:
    made = Verdicts("python -m spec.explore")
    for check in checks:
        made.add(check)
    return made


GOOD: Final = Check("base", "passed", "97 states", 1.25, data={"states": 97})
BAD: Final = Check("bad", "failed", "a sentence", 0.5, "in full", (FOUND, FOUND._replace(rule="other", place=None)))
OPEN: Final = Check("open", "incomplete", "cut short", 0.25)


@pytest.mark.parametrize(
    ("checks", "word"),
    [((), "incomplete"), ((GOOD,), "passed"), ((GOOD, OPEN), "incomplete"), ((OPEN, BAD, GOOD), "failed")],
)
def test_the_verdict_is_the_worst_of_all(checks: tuple[Check, ...], word: str) -> None:
    made = verdicts(*checks)
    assert made.word == word
    assert valid(made.data())["verdict"] == word


def test_an_interrupted_run_is_incomplete_at_best() -> None:
    made = verdicts(GOOD)
    made.interrupted = True
    assert made.word == "incomplete"
    made.add(BAD)
    assert made.word == "failed"


def test_a_failed_check_has_a_finding() -> None:
    made = verdicts(Check("explore base", "failed", "what is wrong", 0.0, "in full"))
    assert made.checks[0].findings == (Finding("explore_base", "what is wrong", "in full"),)
    valid(made.data())
    with pytest.raises(AssertionError, match="verdict must be one of passed, failed, incomplete, got good"):
        made.add(GOOD._replace(verdict="good"))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {**verdicts(GOOD).data(), "more": 1},
        {**verdicts(GOOD).data(), "verdict": "clean"},
        {**verdicts(GOOD).data(), "checks": [{**GOOD._asdict(), "findings": [], "data": {}, "verdict": "failed"}]},
    ],
)
def test_the_schema_refuses_other_documents(document: Mapping[str, object]) -> None:
    with pytest.raises(ValueError, match="is not valid"):
        valid(document)


def test_junit_counts_and_names_everything() -> None:
    root = ET.fromstring(junit(verdicts(GOOD, BAD, OPEN, OPEN)))
    (suite,) = root
    assert root.tag == "testsuites"
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time")} == {
        "tests": "4", "failures": "1", "errors": "0", "skipped": "2", "time": "2.250",
    }  # fmt: skip
    assert [case.get("name") for case in suite] == ["base", "bad", "open", "open"]
    assert [[child.tag for child in case] for case in suite] == [
        ["system-out"],
        ["failure", "system-out"],
        *[["skipped", "system-out"]] * 2,
    ]
    failure = suite[1][0]
    assert (failure.get("type"), failure.get("message")) == ("a_rule", "a sentence <&>\ufffd")
    assert failure.text is not None
    assert "other: a sentence" in failure.text
    assert "python -m again" in failure.text


def test_sarif_is_a_log_of_version_2_1_0() -> None:
    log = json.loads(sarif(verdicts(GOOD, BAD, OPEN)))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["a_rule", "other"]
    assert len(run["results"]) == 2
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert (result["kind"], result["level"]) == ("fail", "error")
        assert result["message"]["text"].startswith("bad: a sentence")
    physical = run["results"][0]["locations"][0]["physicalLocation"]
    assert physical == {
        "artifactLocation": {"uri": "a%20file.py", "uriBaseId": "ROOT"}, "region": {"startLine": 3},
    }  # fmt: skip
    assert physical["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
    assert run["results"][1]["locations"] == []


def test_the_steps_of_a_finding_are_thread_flows_in_order() -> None:
    (run,) = json.loads(sarif(verdicts(BAD)))["runs"]
    (flow,) = run["results"][0]["codeFlows"]
    order = {flow_["id"]: [each["executionOrder"] for each in flow_["locations"]] for flow_ in flow["threadFlows"]}
    assert order == {"pass": [2], "user": [1, 3]}
    first = flow["threadFlows"][1]["locations"][0]["location"]
    assert first["message"]["text"] == "write(slot 0, huge 0) (zram_write_page)"
    assert first["physicalLocation"]["region"]["startLine"] == 20


def test_two_ways_to_one_rule_are_two_findings() -> None:
    (run,) = json.loads(sarif(verdicts(BAD, BAD._replace(name="again"))))["runs"]
    assert len({result["partialFingerprints"]["findingHash/v1"] for result in run["results"]}) == 4


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_outputs(parser)
    return parser.parse_args(arguments)


def test_each_option_writes_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    xml, log = tmp_path / "junit.xml", tmp_path / "found.sarif"
    xml.write_text("before")
    write(verdicts(GOOD), parsed("--json", "--junit", str(xml), "--sarif", str(log)))
    assert valid(json.loads(capsys.readouterr().out))["verdict"] == "passed"
    assert ET.fromstring(xml.read_text()).tag == "testsuites"
    assert json.loads(log.read_text())["runs"][0]["results"] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found.sarif", "junit.xml"]
    write(verdicts(GOOD), parsed())
    assert capsys.readouterr().out == ""


def test_a_pipe_is_written_to_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    write(verdicts(GOOD), parsed("--junit", "/dev/stdout"))
    assert capfd.readouterr().out.startswith("<testsuites")


def test_a_full_disk_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    """The message was "error: None: No space left on device": a write that fails names nothing, nor what lies aside."""
    link = tmp_path / "junit.xml"
    link.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device") as full:
        write(verdicts(GOOD), parsed("--junit", str(link)))
    assert (full.value.errno, full.value.filename) == (errno.ENOSPC, str(link))
    with pytest.raises(IsADirectoryError) as taken:
        write_file(tmp_path, "text")
    assert taken.value.filename == str(tmp_path)


@pytest.mark.parametrize(("name", "why"), [(".", "must be a file"), ("no/where", "must be in a folder that exists")])
def test_an_impossible_file_is_refused_first(
    name: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        parsed("--sarif", name)
    assert why in capsys.readouterr().err


def test_a_file_without_permission_is_refused_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(SystemExit):
        parsed("--junit", str(tmp_path / "out.xml"))
    assert "must be writable" in capsys.readouterr().err


def test_every_property_has_its_place() -> None:
    for name, sentence in SENTENCES.items():
        at = place(name)
        assert at is not None
        line = (ROOT / at.path).read_text(encoding="utf-8").splitlines()[at.line - 1]
        assert line.startswith("def ") or line.lstrip().startswith(("def ", "lambda", "@"))
        assert sentence
    assert place("no_such_property") is None
    assert place_of(json.dumps) is None
    assert place_of(print) is None


def test_a_rule_is_an_identifier() -> None:
    assert [rule_name(text) for text in ("a slot is wb", "every_block", "", "x: (y)")] == [
        "a_slot_is_wb", "every_block", "unnamed", "x_y",
    ]  # fmt: skip
