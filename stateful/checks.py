"""What `check` checks: one function a job, each of which says in one line what it did."""

from functools import partial
from typing import Final

from spec import verdict as spec_verdict
from spec.scope import EVERY_RUN
from spec.walk import walk
from stateful import threads, zoo
from stateful.campaign import run_machine
from stateful.jobs import Job, Report, Verdict
from stateful.machine import MACHINES

MACHINE_SECONDS: Final = 8.0
THREAD_SECONDS: Final = 6.0


def explore(name: str, report: Report) -> Verdict:
    """Walk one of the scopes of every run."""

    def progress(depth: int, states: int, frontier: int) -> None:
        report(f"{states:,} states, depth {depth}, {frontier:,} to go on from")

    outcome = walk(EVERY_RUN[name], progress=progress)
    judged = spec_verdict.judge(name, outcome)
    what = f"{outcome.states:,} states, {outcome.transitions:,} transitions, {outcome.always} properties"
    return Verdict(not judged.problems, what, "\n".join(judged.problems))


def machines(report: Report) -> Verdict:
    """Let each machine look for a difference between the device and the specification."""
    runs = steps = 0
    for number, machine in enumerate(MACHINES):
        campaign = run_machine(
            machine,
            examples=100_000,
            seconds=MACHINE_SECONDS / len(MACHINES),
            number=number * 1000,
            report=lambda more, more_steps, m=machine: report(f"{m.__name__}: {more} runs, {more_steps:,} steps"),
        )
        runs, steps = runs + campaign.runs, steps + campaign.steps
        if campaign.finding is not None:
            return Verdict(good=False, what=f"{machine.__name__}: {campaign.found}", details=str(campaign.finding))
    return Verdict(good=True, what=f"{runs:,} runs, {steps:,} steps of a device on a real file, each compared")


def real_threads(report: Report) -> Verdict:
    """Let users and passes run freely on a real file."""
    account = threads.run(THREAD_SECONDS, report)
    what = (
        f"{account.passes} passes wrote {account.result.written:,} pages ({account.result.lost:,} lost in flight) during "
        f"{account.writes:,} writes and {account.reads:,} reads, all verified"
    )
    return Verdict(not account.problems, what, "\n".join(account.problems))


def variant(name: str, report: Report) -> Verdict:
    """Catch one bug that was put back."""
    judged = zoo.judge(name, report=report)
    what = f"{judged.walked} in {len(judged.steps)} steps; found by the machine in {judged.seconds:.1f} s"
    details = f"{judged.mistake}\n    {' · '.join(judged.steps)}\n    breaks {judged.walked}"
    return Verdict(not judged.wrong, judged.wrong or what, f"{judged.wrong}\n{details}" if judged.wrong else details)


def every_variant(report: Report) -> Verdict:
    """Catch every bug that was put back."""
    verdicts = [variant(name, report) for name in zoo.names()]
    caught = sum(verdict.good for verdict in verdicts)
    return Verdict(
        caught == len(verdicts),
        f"{caught} of {len(verdicts)} bugs caught, each by the walk, retraced, and by the machine",
        "\n".join(f"{name}: {verdict.details}" for name, verdict in zip(zoo.names(), verdicts, strict=True)),
    )


JOBS: Final = (
    Job("explore base", partial(explore, "base")),
    Job("machines", machines),
    Job("threads", real_threads),
    Job("explore readers", partial(explore, "readers")),
    Job("explore limits", partial(explore, "limits")),
    Job("explore marks", partial(explore, "marks")),
    Job("variants", every_variant),
)
