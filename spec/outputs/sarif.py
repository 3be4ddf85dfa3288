"""Findings as SARIF 2.1.0, which code hosts show beside the code: a rule a property, a result a refutation."""

import hashlib
import json
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Final
from urllib.parse import quote

from spec.outputs.verdicts import Finding, FlowStep, Place, Verdicts, rule_name

VERSION: Final = "2.1.0"
SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(verdicts: Verdicts) -> str:
    """Return the log of one run. A finding's steps are its code flow, a thread flow a lane."""
    found = [(check.name, finding) for check in verdicts.checks for finding in check.findings]
    rules: dict[str, str] = {}
    for _check, finding in found:
        rules.setdefault(rule_name(finding.rule), finding.sentence)
    results = [_result(check, finding, list(rules)) for check, finding in found]
    driver = {
        "name": "zram-writeback",
        "rules": [
            {"id": rule, "name": rule, "shortDescription": {"text": sentence or rule}, "defaultConfiguration": _LEVEL}
            for rule, sentence in rules.items()
        ],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"ROOT": {"description": {"text": "The root of the project."}}},
        "invocations": [{"executionSuccessful": True, "commandLine": verdicts.command}],
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": VERSION, "runs": [run]}, indent=2) + "\n"


_LEVEL: Final = {"level": "error"}


def _result(check: str, finding: Finding, rules: list[str]) -> Mapping[str, object]:
    rule = rule_name(finding.rule)
    text = "\n".join(filter(None, [f"{check}: {finding.sentence}", finding.again]))
    same = hashlib.sha256("\0".join([rule, check, *(step.text for step in finding.steps)]).encode()).hexdigest()
    result: dict[str, object] = {
        "ruleId": rule,
        "ruleIndex": rules.index(rule),
        "kind": "fail",
        "level": "error",
        "message": {"text": text},
        "locations": [_location(finding.place)] if finding.place else [],
        "partialFingerprints": {"findingHash/v1": same},
        "properties": {"check": check, "again": finding.again, "details": finding.details},
    }
    if finding.steps:
        result["codeFlows"] = [{"message": {"text": "the way there"}, "threadFlows": _flows(finding.steps)}]
    return result


def _flows(steps: tuple[FlowStep, ...]) -> list[Mapping[str, object]]:
    """Return a thread flow for each lane; `executionOrder` says how their steps interleave."""
    numbered = sorted(enumerate(steps, 1), key=lambda pair: pair[1].lane)
    return [
        {"id": lane, "locations": [_step(number, step) for number, step in each]}
        for lane, each in groupby(numbered, key=lambda pair: pair[1].lane)
    ]


def _step(number: int, step: FlowStep) -> Mapping[str, object]:
    text = f"{step.text} ({step.kernel})" if step.kernel else step.text
    location = {"message": {"text": text}, **(_location(step.place) if step.place else {})}
    return {"executionOrder": number, "location": location}


def _location(place: Place) -> Mapping[str, object]:
    """Return where something is; a path that is not absolute is one from the root of the project."""
    path = Path(place.path)
    artifact = {"uri": path.as_uri()} if path.is_absolute() else {"uri": quote(place.path), "uriBaseId": "ROOT"}
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": place.line}}}
