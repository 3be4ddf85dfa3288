"""The checks of guards: the table, the standard scenarios, and every pair of calls."""

from collections.abc import Iterator, Sequence
from typing import Final

from stateful.guards.coverage import problems, unused
from stateful.guards.hooks import compiled, installed
from stateful.guards.invariants import INVARIANTS
from stateful.guards.judge import Judge
from stateful.guards.stage import judged_stages
from stateful.guards.table import GUARDS, ROWS, WAITS
from stateful.jobs.runner import JobResult, Report
from stateful.pairs.explore import Explorer
from stateful.pairs.states import BY_NAME
from stateful.schedules.policies import pct, random_walk
from stateful.schedules.run import execute
from stateful.schedules.scenarios import SCENARIOS

SEEDS: Final = 2
"""Random schedules of each standard scenario, of either kind: an access without its lock shows on any."""
_DEPTH, _POINTS = 3, 40
FINDINGS_MOST: Final = 20
"""Findings that are shown: one mistake is found again and again."""


def judge() -> Judge:
    """Make a judge of the table."""
    return Judge(compiled(GUARDS), INVARIANTS, WAITS)


def guards(report: Report) -> JobResult:
    """Check the table, and every access of the standard scenarios and of every pair of calls against it.

    The first part that finds anything is the last: what comes after would find the same, or stop at it.
    """
    judges = judge()
    explored, played = list[Explorer](), list[str]()
    findings = list(problems(GUARDS))
    if not findings:
        played = list(_scenarios(judges, SEEDS, report))
        findings = list(filter(None, played))
    for name in BY_NAME:
        if not findings:
            explored.append(_explored(name, judges, report, every=False))
            findings = explored[-1].findings
    findings = findings or list(unused(ROWS, judges.rules))
    rules = [rule for mine in judges.rules.values() for rule in mine.values()]
    pairs, meetings = sum(each.pairs for each in explored), sum(each.meetings for each in explored)
    what = (
        f"{len(rules)} guards, {sum(rule.accesses for rule in rules):,} accesses as declared, in {len(played):,} "
        f"schedules and {meetings:,} meetings of {pairs:,} pairs of calls in {len(explored)} states"
    )
    return JobResult(not findings, what, _listed(findings))


def scenarios(seeds: int, report: Report) -> JobResult:
    """Check every access of the standard scenarios, with more seeds."""
    judges = judge()
    found = list(_scenarios(judges, seeds, report))
    findings = [*problems(GUARDS), *filter(None, found)]
    return JobResult(not findings, f"{len(found):,} schedules", _listed(findings))


def every_pair(name: str, report: Report) -> JobResult:
    """Let every call of a state meet every other, wherever it makes a difference."""
    explored = _explored(name, judge(), report, every=True)
    what = f"{explored.pairs:,} pairs of calls, {explored.meetings:,} meetings"
    return JobResult(not explored.findings, what, _listed(explored.findings))


def _scenarios(judges: Judge, seeds: int, report: Report) -> Iterator[str]:
    """Yield what each schedule shows, "" for nothing."""
    with judged_stages(judges):
        for name, what in SCENARIOS.items():
            report(f"scenario {name}")
            for seed in range(seeds):
                for policy in (random_walk(seed), pct(seed, depth=_DEPTH, points=_POINTS)):
                    error = execute(what, policy).error
                    yield f"{error} (scenario {name}, seed {seed})" if error is not None else ""


def _explored(name: str, judges: Judge, report: Report, *, every: bool) -> Explorer:
    explorer = Explorer(BY_NAME[name], judges, every=every)
    with installed(judges):
        for text in explorer.run():
            report(text)
    return explorer


def _listed(findings: Sequence[str]) -> str:
    more = len(findings) - FINDINGS_MOST
    return "\n".join([*findings[:FINDINGS_MOST], *([f"and {more} more"] if more > 0 else [])])
