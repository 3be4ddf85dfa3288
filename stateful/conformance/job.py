"""The jobs of `check` about what the driver was recorded to do, and about what must not depend on how a pass is run."""

from pathlib import Path
from typing import Final

from stateful.conformance.fields import MalformedRecording
from stateful.conformance.replay import kernel_quirks, replay
from stateful.conformance.schema import read_recording, recorded_names
from stateful.jobs.runner import JobResult, Report
from stateful.metamorphic.independence import run

RECORDINGS: Final = Path(__file__).resolve().parents[2] / "tests" / "data" / "kernel-traces"
PROGRAMS: Final = 60
"""Generated programs, each run in every way: some three seconds."""


def recordings(report: Report) -> JobResult:
    """Replay every recording of the tests on a device with all quirks."""
    try:
        read = [read_recording(RECORDINGS, name) for name in recorded_names(RECORDINGS)]
    except MalformedRecording as error:
        return JobResult(good=False, what=str(error))
    found = []
    for recording in read:
        found += replay(recording, kernel_quirks(recording))
        report(f"{recording.name}, {len(found)} differences")
    operations = sum(len(recording.operations) for recording in read)
    what = f"{len(read)} recordings of Linux 7.3.4 replayed, {operations:,} operations, {len(found)} differences"
    return JobResult(not found, what, "\n".join(each.line for each in found))


def independence(report: Report) -> JobResult:
    """Run programs in ways that must agree."""
    campaign = run(PROGRAMS, 0, lambda done: report(f"{done} of {PROGRAMS} programs"))
    what = (
        f"{campaign.programs} programs had equal outcomes in {campaign.runs} runs: batch sizes, orders of answers, "
        f"{campaign.failed:,} failed writes"
    )
    if campaign.finding is None:
        return JobResult(good=True, what=what)
    details = [str(campaign.finding), *getattr(campaign.finding, "__notes__", [])]
    return JobResult(good=False, what="the outcome of a program depends on how it is run", details="\n".join(details))
