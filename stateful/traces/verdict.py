"""The judgement on a trace as a check of a command, for other programs."""

from collections import Counter

from spec.outputs.verdicts import FAILED, INCOMPLETE, PASSED, Check, Finding, Place
from stateful.traces.check import Judgement


def check_of(name: str, judgement: Judgement, seconds: float, unexplained: int = 0) -> Check:
    """Return a judgement as a check; a finding is at its line of the trace.

    Args:
        name: Of the trace's file.
        judgement: The judgement on it.
        seconds: The time that it took.
        unexplained: Foreign pages that readers noticed and no deviation explains.
    """
    deviations = dict(Counter(each.name for each in judgement.deviations))
    data = {"events": judgement.judged, "incomplete": judgement.incomplete, "deviations": deviations}
    what = f"{judgement.judged:,} events"
    findings = []
    if judgement.finding is not None:
        found = judgement.finding
        what += f", then line {found.line}: {found.sentence}"
        findings.append(Finding(RULE, found.sentence, found.details, place=Place(name, found.line)))
    if unexplained:
        sentence = f"{unexplained} foreign pages were noticed at a read that is not called unsound"
        findings.append(Finding("a_foreign_page_is_explained", sentence, place=Place(name, 1)))
    if judgement.incomplete:
        what += f"; {judgement.incomplete}"
    word = FAILED if findings else INCOMPLETE if judgement.incomplete else PASSED
    details = judgement.finding.text if judgement.finding else ""
    return Check(name, word, what, seconds, details, tuple(findings), data)


RULE = "a_behaviour_of_the_specification"
"""The property that a trace has to have."""
