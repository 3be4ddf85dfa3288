"""The jobs of `check`: one function each, which reports in one line."""

import io
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Final

from spec.explore import report as spec_verdict
from spec.explore.bfs import search
from spec.prove.command import prove
from spec.prove.crosshair_run import confirm
from spec.prove.plan import QUICK_AT_FIXED_SIZES, parts
from spec.prove.unbounded.command import prove_all_sizes
from spec.scope import EVERY_RUN
from stateful.bugs import checks as of_bugs
from stateful.conformance.job import independence, recordings
from stateful.equivalence.parsers import PAIRS, differences
from stateful.jobs.runner import Job, JobResult, Report
from stateful.lockstep.machine import MACHINES
from stateful.lockstep.run_machine import Until, run_machine
from stateful.pairs import checks as of_pairs
from stateful.schedules import checks as of_schedules
from stateful.stress import free_threads
from stateful.traces.check import judge
from stateful.traces.schema import read

MACHINE_SECONDS: Final = 8.0
THREAD_SECONDS: Final = 6.0
TRACE_SECONDS: Final = 3.0


def explore(name: str, report: Report) -> JobResult:
    """Walk one of the scopes of every run."""

    def progress(depth: int, states: int, frontier: int) -> None:
        report(f"{states:,} states, depth {depth}, {frontier:,} in the frontier")

    outcome = search(EVERY_RUN[name], progress=progress)
    judged = spec_verdict.judge(name, outcome)
    what = f"{outcome.states:,} states, {outcome.transitions:,} transitions, {outcome.always} properties"
    return JobResult(not judged.problems, what, "\n".join(judged.problems))


def stateful(report: Report) -> JobResult:
    """Let each machine look for a difference between the device and the specification."""
    runs = steps = 0
    until = Until(seconds=MACHINE_SECONDS / len(MACHINES))

    def progress(name: str, runs: int, steps: int) -> None:
        report(f"{name}: {runs} runs, {steps:,} steps")

    for number, machine in enumerate(MACHINES):
        campaign = run_machine(machine, until, number=number * 1000, report=partial(progress, machine.__name__))
        runs, steps = runs + campaign.runs, steps + campaign.steps
        if campaign.finding is not None:
            program = getattr(campaign.finding, "__notes__", [])
            details = "\n    ".join([str(campaign.finding), *program])
            return JobResult(good=False, what=f"{machine.__name__}: {campaign.found}", details=details)
    return JobResult(good=True, what=f"{runs:,} runs, {steps:,} steps of a device on a real file, each compared")


def real_threads(report: Report) -> JobResult:
    """Let users and passes run freely on a real file."""
    account = free_threads.run(THREAD_SECONDS, report)
    what = (
        f"{account.passes} passes wrote {account.result.written:,} pages ({account.result.lost:,} lost in flight) "
        f"during {account.writes:,} writes and {account.reads:,} reads, all verified, and "
        f"{account.shared:,} operations on shared pages, each page's in some order"
    )
    return JobResult(not account.problems, what, "\n".join(account.problems))


def trace(report: Report) -> JobResult:
    """Record what free-running threads do, and judge it by the specification."""
    with tempfile.TemporaryDirectory(prefix="trace-") as directory:
        path = Path(directory) / "trace.jsonl"
        account = free_threads.run(TRACE_SECONDS, report, trace=path)
        spent = time.process_time()
        with path.open(encoding="utf-8") as file:
            judgement = judge(read(file), report=report)
    rate = account.events / (time.process_time() - spent)
    problems = [*account.problems, *filter(None, [judgement.problem])]
    what = f"{account.events:,} events of {account.passes} passes and their users are a behaviour of the specification"
    return JobResult(not problems, f"{what}; {rate:,.0f} a second of processor time", "\n".join(problems))


def equivalence(report: Report) -> JobResult:
    """Confirm that the decisions of the implementation are those of the specification, and read short texts twice."""
    report("confirming")
    modules = ["stateful.equivalence.decisions", "stateful.equivalence.slots"]
    verdicts = confirm(modules, lambda found: report(f"{len(found)} more conditions"))
    good = sum(verdict.good for verdict in verdicts)
    readers = [next(differences(pair), "") for pair in PAIRS]
    what = (
        f"{good} of {len(verdicts)} decisions confirmed over all paths to be the specification's; "
        f"{readers.count('')} of {len(PAIRS)} readers of texts read every short one as the kernel does"
    )
    problems = [*(v.problem for v in verdicts if not v.good), *filter(None, readers)]
    return JobResult(bool(verdicts) and not problems, what, "\n".join(problems))


def proofs(report: Report) -> JobResult:
    """Prove that the invariant is inductive, as far as a quick run goes; `all_sizes` is a job of its own."""
    report("proving")
    with tempfile.TemporaryDirectory(prefix="contracts-") as directory:
        rows = prove(parts(QUICK_AT_FIXED_SIZES, Path(directory)), io.StringIO())
    conditions, confirmed = sum(row.conditions for row in rows), sum(row.confirmed for row in rows)
    what = f"{confirmed:,} of {conditions:,} conditions proved, by CrossHair and by z3, none of them vacuous"
    problems = [problem for row in rows for problem in row.problems]
    return JobResult(all(row.clean for row in rows), what, "\n".join(problems))


def all_sizes(report: Report) -> JobResult:
    """Prove the invariant for any number of slots, blocks, requests and readers, and any limit."""
    report("proving")
    answers = prove_all_sizes(lambda answer: report(f"{answer.layer}: {answer.action} {answer.clause}"))
    open_ = [f"{each.layer}: {each.action}, {each.clause}: {each.verdict}" for each in answers if not each.good]
    what = f"{len(answers) - len(open_):,} of {len(answers):,} conditions discharged for any sizes and any limit"
    return JobResult(bool(answers) and not open_, what, "\n".join(open_))


JOBS: Final = (
    Job("explore base", partial(explore, "base")),
    Job("proofs", proofs),
    Job("all sizes", all_sizes),
    Job("equivalence", equivalence),
    Job("stateful", stateful),
    Job("schedules", of_schedules.schedules),
    Job("schedule bugs", of_bugs.every_schedule_bug),
    Job("guards", of_pairs.guards),
    Job("threads", real_threads),
    Job("traces", trace),
    Job("recordings", recordings),
    Job("metamorphic", independence),
    Job("explore readers", partial(explore, "readers")),
    Job("explore limits", partial(explore, "limits")),
    Job("explore flags", partial(explore, "flags")),
    Job("seeded bugs", of_bugs.every_machine_bug),
)
WORTH_SEEING: Final = ("seeded bugs",)
"""Jobs whose details are shown even when they passed."""
