"""The search of a scope of the specification, as a job."""

from spec.explore import report as spec_verdict
from spec.explore.bfs import search
from spec.scope import EVERY_RUN
from stateful.jobs.runner import JobResult, Report


def explore(name: str, report: Report) -> JobResult:
    """Walk one of the scopes of every run."""

    def progress(depth: int, states: int, frontier: int) -> None:
        report(f"{states:,} states, depth {depth}, {frontier:,} in the frontier")

    outcome = search(EVERY_RUN[name], progress=progress)
    judged = spec_verdict.judge(name, outcome)
    what = f"{outcome.states:,} states, {outcome.transitions:,} transitions, {outcome.always} properties"
    return JobResult(not judged.problems, what, "\n".join(judged.problems))
