"""The verdicts of a command: what was checked, what is wrong with it, and both as the one document of `--json`."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

VERSION: Final = 1
"""Of the document; `verdicts.schema.json` beside this file is its schema."""
ROOT: Final = Path(__file__).resolve().parents[2]
PASSED, FAILED, INCOMPLETE = "passed", "failed", "incomplete"
WORDS: Final = (PASSED, FAILED, INCOMPLETE)
"""Incomplete: nothing is wrong, and less was seen or proved than a pass would mean."""


def shown(good: bool) -> str:
    """Return the verdict as tables and sentences have it: a failure is in capitals."""
    return PASSED if good else FAILED.upper()


class Place(NamedTuple):
    """A line of a file; the path is relative to the root of the project, or as the user named it."""

    path: str
    line: int


class FlowStep(NamedTuple):
    """A step on the way to a finding."""

    lane: str
    """The task or actor that takes it."""
    text: str
    kernel: str = ""
    """The kernel's function."""
    place: Place | None = None


class Finding(NamedTuple):
    """Something that is wrong."""

    rule: str
    """Name of the property, or kind of the error."""
    sentence: str
    details: str = ""
    again: str = ""
    """The command that shows it again, or ""."""
    place: Place | None = None
    steps: tuple[FlowStep, ...] = ()


class Check(NamedTuple):
    """One thing that was checked."""

    name: str
    verdict: str
    """One of WORDS."""
    what: str
    """A line about what was done."""
    seconds: float
    details: str = ""
    findings: tuple[Finding, ...] = ()
    data: Mapping[str, object] = {}
    """Figures of this kind of check, as JSON has them."""


class Verdicts:
    """Collects the checks of one run of a command, in their order."""

    def __init__(self, command: str) -> None:
        """Begin with none; `command` is the name of the program."""
        self.command = command
        self.checks: list[Check] = []
        self.interrupted = False
        """Some checks were not made, or not to the end."""

    def add(self, check: Check) -> None:
        """Add a check. A failed one that names no finding gets one, so that no format loses it."""
        assert check.verdict in WORDS, f"verdict must be one of {', '.join(WORDS)}, got {check.verdict}"
        if check.verdict == FAILED and not check.findings:
            check = check._replace(findings=(Finding(rule_name(check.name), check.what, check.details),))
        self.checks.append(check)

    @property
    def word(self) -> str:
        """The verdict on everything: the worst there is, and incomplete without any check or when interrupted."""
        found = {check.verdict for check in self.checks}
        if self.interrupted or not found:
            found.add(INCOMPLETE)
        return next(word for word in (FAILED, INCOMPLETE, PASSED) if word in found)

    @property
    def seconds(self) -> float:
        """The time of all checks, which may have run side by side."""
        return sum(check.seconds for check in self.checks)

    def data(self) -> Mapping[str, object]:
        """Return the document."""
        return {
            "verdicts": VERSION,
            "command": self.command,
            "verdict": self.word,
            "seconds": round(self.seconds, 3),
            "checks": [_check(check) for check in self.checks],
        }


def rule_name(text: str) -> str:
    """Return a text as the name of a rule: letters, digits and underscores."""
    return "_".join("".join(letter if letter.isalnum() else " " for letter in text).split()) or "unnamed"


def place_of(function: Callable[..., object]) -> Place | None:  # type: ignore[explicit-any]  # whatever it takes
    """Return where a function of the project begins, None for one of another."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return None
    path = Path(code.co_filename).resolve()
    return Place(str(path.relative_to(ROOT)), code.co_firstlineno) if path.is_relative_to(ROOT) else None


def _check(check: Check) -> Mapping[str, object]:
    return {
        "name": check.name,
        "verdict": check.verdict,
        "what": check.what,
        "seconds": round(check.seconds, 3),
        "details": check.details,
        "findings": [_finding(each) for each in check.findings],
        "data": dict(check.data),
    }


def _finding(finding: Finding) -> Mapping[str, object]:
    return {
        "rule": finding.rule,
        "sentence": finding.sentence,
        "details": finding.details,
        "again": finding.again,
        "place": finding.place and finding.place._asdict(),
        "steps": [{"lane": each.lane, "text": each.text, "kernel": each.kernel} for each in finding.steps],
    }
