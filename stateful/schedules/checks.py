"""What `check` and the commands about schedules check, one function a job."""

import statistics
import time
from typing import Final

from stateful.jobs.runner import Report, Verdict
from stateful.schedules import detection
from stateful.schedules.bugs import NAMES
from stateful.schedules.scenarios import THEMES
from stateful.schedules.search import Searched, exhaust_one, exhaustively, randomly

SCHEDULE_SECONDS: Final = 8.0
FEW_SEEDS: Final = 3
"""Enough to see that a bug is found; how soon is asked with many."""


def schedules(report: Report) -> Verdict:
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
    return Verdict(not searched.findings, what, "\n".join(searched.findings))


def every_schedule_of(theme: str, bound: int, report: Report) -> Verdict:
    """Run the scenarios of one theme under every schedule of at most `bound` preemptions."""
    total, lines, began = Searched(), list[str](), time.process_time()
    for name in THEMES[theme]:
        searched = exhaust_one(name, bound, report)
        total = total.and_then(searched)
        lines += [f"{searched.schedules:>9,} {name}", *searched.findings]
    rate = total.points / max(time.process_time() - began, 1e-9)
    what = (
        f"{total.schedules:,} schedules, all of at most {bound} preemptions, in {len(THEMES[theme])} scenarios; "
        f"{total.points:,} points, {rate:,.0f} a second"
    )
    return Verdict(not total.findings, what, "\n".join(["", *lines]))


def every_bug(report: Report) -> Verdict:
    """Find every bug that only a schedule shows, with a few seeds; then let one shrink with a few more."""
    judged = [detection.judge(name, FEW_SEEDS, report) for name in NAMES]
    joint = detection.judge_joint(detection.JOINT, FEW_SEEDS, report)
    missed = [each.variant.name for each in judged if not each.breaks]
    worst = max(judged, key=lambda each: each.median)
    what = (
        f"{len(judged) - len(missed)} of {len(judged)} bugs found, each within a median of {worst.median:g} random "
        f"schedules; operation, fault and order shrink together to {joint.tokens[0]}"
    )
    problems = [f"{name} is missed" for name in missed]
    problems += [] if joint.good else [f"{detection.JOINT} shrinks to {', '.join(joint.tokens)}"]
    return Verdict(not problems, what, "\n".join(problems))


def variant_of_schedules(name: str, seeds: int, report: Report) -> Verdict:
    """Find one bug that only a schedule shows."""
    judged = detection.judge(name, seeds, report)
    bug = judged.variant
    what = (
        f"{bug.policy}: median {judged.median:g} schedules of {seeds} seeds, at most {max(judged.schedules)} "
        f"(bar {bug.within}); {judged.breaks}"
    )
    details = (
        f"{bug.mistake} (catalogue {bug.catalogue})\n    python -m stateful replay --variant {name} {judged.token}"
    )
    return Verdict(judged.good, what, details)


def joint_shrinking(seeds: int, report: Report) -> Verdict:
    """Shrink operations, faults and preemptions together, with several seeds."""
    judged = detection.judge_joint(detection.JOINT, seeds, report)
    same = judged.tokens.count(judged.tokens[0])
    what = (
        f"{same} of {seeds} seeds shrink to the same program, {judged.tokens[0]}; "
        f"first seen at example {statistics.median(judged.first):g}"
    )
    details = f"    python -m stateful replay --variant {detection.JOINT} {judged.tokens[0]}"
    return Verdict(judged.good, what, details)
