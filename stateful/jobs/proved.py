"""The proofs about the specification, as jobs."""

import io
import tempfile
from pathlib import Path

from spec.prove.command import prove
from spec.prove.plan import QUICK_AT_FIXED_SIZES, parts
from spec.prove.unbounded.command import prove_all_sizes
from stateful.jobs.runner import JobResult, Report


def proofs(report: Report) -> JobResult:
    """Prove that the invariant is inductive, as far as a quick run goes; `all_sizes` is a job of its own."""
    report("proving")
    with tempfile.TemporaryDirectory(prefix="contracts-") as directory:
        rows = prove(parts(QUICK_AT_FIXED_SIZES, Path(directory)), io.StringIO())
    conditions, confirmed = sum(row.conditions for row in rows), sum(row.confirmed for row in rows)
    what = f"{confirmed:,} of {conditions:,} conditions proved, by CrossHair and by z3, none of them vacuous"
    problems = [problem for row in rows for problem in row.problems]
    return JobResult(all(row.good for row in rows), what, "\n".join(problems))


def all_sizes(report: Report) -> JobResult:
    """Prove the invariant for any number of slots, blocks, requests and readers, and any limit."""
    report("proving")
    answers = prove_all_sizes(lambda answer: report(f"{answer.layer}: {answer.action} {answer.clause}"))
    open_ = [f"{each.layer}: {each.action}, {each.clause}: {each.verdict}" for each in answers if not each.good]
    what = f"{len(answers) - len(open_):,} of {len(answers):,} conditions discharged for any sizes and any limit"
    return JobResult(bool(answers) and not open_, what, "\n".join(open_))
