"""Verdicts as JUnit XML, which CI systems show: a test case a check."""

import re
from typing import Final
from xml.etree import ElementTree as ET

from spec.outputs.verdicts import FAILED, INCOMPLETE, Check, Verdicts

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot have, however they are escaped."""


def junit(verdicts: Verdicts) -> str:
    """Return the XML of a run: one suite, a failure a finding, incomplete checks as skipped."""
    checks = verdicts.checks
    counts = {
        "tests": str(len(checks)),
        "failures": str(sum(check.verdict == FAILED for check in checks)),
        "errors": "0",
        "skipped": str(sum(check.verdict == INCOMPLETE for check in checks)),
        "time": f"{verdicts.seconds:.3f}",
    }
    root = ET.Element("testsuites", {"name": _clean(verdicts.command), **counts})
    suite = ET.SubElement(root, "testsuite", {"name": _clean(verdicts.command), **counts})
    for check in checks:
        _case(suite, check, verdicts.command)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _case(suite: ET.Element, check: Check, command: str) -> None:
    seconds = f"{check.seconds:.3f}"
    case = ET.SubElement(suite, "testcase", {"name": _clean(check.name), "classname": _clean(command), "time": seconds})
    # A test case has at most one failure: readers keep the last one only, and the rest is in its text.
    if check.findings:
        first = check.findings[0]
        failure = ET.SubElement(case, "failure", {"type": _clean(first.rule), "message": _clean(first.sentence)})
        failure.text = _clean(
            "\n\n".join(
                "\n".join(filter(None, [f"{each.rule}: {each.sentence}", each.details, each.again]))
                for each in check.findings
            )
        )
    elif check.verdict == INCOMPLETE:
        ET.SubElement(case, "skipped", {"message": _clean(check.what)})
    ET.SubElement(case, "system-out").text = _clean("\n".join(filter(None, [check.what, check.details])))


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
