"""Threads that run freely, as jobs: by themselves, and traced."""

import tempfile
import time
from pathlib import Path
from typing import Final

from stateful.jobs.runner import JobResult, Report
from stateful.stress import free_threads
from stateful.traces.check import judge
from stateful.traces.schema import read

THREAD_SECONDS: Final = 6.0
TRACE_SECONDS: Final = 3.0


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
