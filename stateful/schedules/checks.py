"""The jobs that run scenarios, for `check` and for `schedules`."""

import time
from typing import Final

from spec.outputs.places import place
from spec.outputs.verdicts import Finding
from stateful.jobs.runner import JobResult, Report
from stateful.schedules.device_harness import absent
from stateful.schedules.scenarios import THEMES
from stateful.schedules.search import SearchResult, exhaust_one, exhaustively, randomly
from stateful.schedules.story import sentence_of

SCHEDULE_SECONDS: Final = 8.0


def schedules(report: Report) -> JobResult:
    """Run the production code under every schedule of few preemptions, then under random ones."""
    ended = time.perf_counter() + SCHEDULE_SECONDS
    searched = exhaustively(1, report)
    exhausted, seed = searched.schedules, 0
    while not searched.findings and (not seed or time.perf_counter() < ended):
        searched = searched.and_then(randomly(range(seed, seed + 1), report))
        seed += 1
    what = (
        f"{exhausted:,} schedules, all of one preemption in {searched.scenarios} scenarios, "
        f"and {searched.schedules - exhausted:,} random ones; {searched.points:,} points"
    )
    return JobResult(not searched.findings, what, "\n".join(_lines(searched)), _findings(searched))


def every_schedule_of(theme: str, bound: int, report: Report) -> JobResult:
    """Run the scenarios of one theme under every schedule of at most `bound` preemptions."""
    total, lines, began = SearchResult(), list[str](), time.process_time()
    for name in THEMES[theme]:
        searched = exhaust_one(name, bound, report)
        total = total.and_then(searched)
        without = absent(THEMES[theme][name])
        lines += [f"{searched.schedules:>9,} {name}{without and f' without {without}'}", *_lines(searched)]
    rate = total.points / max(time.process_time() - began, 1e-9)
    what = (
        f"{total.schedules:,} schedules, all of at most {bound} preemptions, in {len(THEMES[theme])} scenarios; "
        f"{total.points:,} points, {rate:,.0f} a second"
    )
    return JobResult(not total.findings, what, "\n".join(["", *lines]), _findings(total))


def _lines(searched: SearchResult) -> list[str]:
    return [each.line for each in searched.findings]


def _findings(searched: SearchResult) -> tuple[Finding, ...]:
    """Return findings as other programs read them: at the property, or at the scenario if only a device has it."""
    return tuple(
        Finding(each.found, f"{each.scenario}: {sentence_of(each.found)}", again=each.again, place=place(each.found))
        for each in searched.findings
    )
