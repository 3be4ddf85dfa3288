"""The jobs that catch seeded bugs, for `check` and for `bugs`."""

import statistics
from functools import partial

from stateful.bugs import by_machine, by_schedules
from stateful.bugs.seeded import MACHINE_NAMES, SCHEDULE_NAMES
from stateful.jobs.runner import JobResult, Report

FEW_SEEDS = 3
"""Enough to see that a bug is found; how soon takes many."""


def machine_bug(name: str, report: Report) -> JobResult:
    """Catch one bug that shows on any schedule."""
    judged = by_machine.judge(name, report=report)
    what = f"{judged.walked} in {len(judged.steps)} steps; found by the machine in {judged.seconds:.1f} s"
    details = f"{judged.bug.mistake}\n    {' · '.join(judged.steps)}\n    breaks {judged.walked}"
    return JobResult(not judged.wrong, judged.wrong or what, f"{judged.wrong}\n{details}" if judged.wrong else details)


def every_machine_bug(report: Report) -> JobResult:
    """Catch every bug that shows on any schedule."""
    verdicts = [machine_bug(name, partial(_report_on, report, name)) for name in MACHINE_NAMES]
    caught = sum(verdict.good for verdict in verdicts)
    return JobResult(
        caught == len(verdicts),
        f"{caught} of {len(verdicts)} bugs caught, each by the search, retraced, and by the machine",
        "\n".join(f"{name}: {verdict.details}" for name, verdict in zip(MACHINE_NAMES, verdicts, strict=True)),
    )


def schedule_bug(name: str, seeds: int, report: Report) -> JobResult:
    """Find one bug that only some schedules show."""
    judged = by_schedules.judge(name, seeds, report)
    what = (
        f"{judged.search.policy}: median {judged.median:g} schedules of {seeds} seeds, at most "
        f"{max(judged.schedules)} (bar {judged.search.within}); {judged.breaks}"
    )
    return JobResult(judged.good, what, f"{judged.bug.mistake}\n{_replay(name, judged.token)}")


def every_schedule_bug(report: Report) -> JobResult:
    """Find every bug that only some schedules show, with a few seeds; then shrink one with a few more."""
    judged = [by_schedules.judge(name, FEW_SEEDS, report, shrink=False) for name in SCHEDULE_NAMES]
    joint = by_schedules.judge_joint(by_schedules.JOINT, FEW_SEEDS, report)
    missed = [each.bug.name for each in judged if not each.breaks]
    worst = max(judged, key=lambda each: each.median)
    what = (
        f"{len(judged) - len(missed)} of {len(judged)} bugs found, each within a median of {worst.median:g} random "
        f"schedules; operation, fault and order shrink together to {joint.tokens[0]}"
    )
    problems = [f"{name} is missed" for name in missed]
    problems += [] if joint.good else [f"{by_schedules.JOINT} shrinks to {', '.join(joint.tokens)}"]
    return JobResult(not problems, what, "\n".join(problems))


def joint_shrinking(seeds: int, report: Report) -> JobResult:
    """Shrink operations, faults and preemptions together, with several seeds."""
    judged = by_schedules.judge_joint(by_schedules.JOINT, seeds, report)
    same = judged.tokens.count(judged.tokens[0])
    what = (
        f"{same} of {seeds} seeds shrink to the same program, {judged.tokens[0]}; "
        f"first seen at example {statistics.median(judged.first):g}"
    )
    return JobResult(judged.good, what, _replay(by_schedules.JOINT, judged.tokens[0]))


def _replay(name: str, token: str) -> str:
    return f"    python -m stateful replay --bug {name} {token}"


def _report_on(report: Report, name: str, text: str) -> None:
    report(f"{name}: {text}")
