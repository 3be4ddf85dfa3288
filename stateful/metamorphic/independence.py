"""The outcome of a program depends neither on the batch size nor on the order in which writes are answered.

Each program is run with one request at a time, and then with more, answered in orders of all kinds. All must have
the same outcome: pages written back, results, contents, marks, statistics and limit. Only the block of a page may
differ. Writes fail by page or by block, and nobody touches a page while a pass runs.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from stateful.metamorphic.program import Program, programs
from stateful.metamorphic.running import ProgramOutcome, Running, Way
from stateful.metamorphic.zram_running import ZramRunning
from stateful.seam.chosen import is_ours
from zram_impl import Quirks

REFERENCE: Final = Way(batch_size=1, order=None)
BATCH_SIZES: Final = (2, 7, 32)


class ProgramCampaign(NamedTuple):
    """Counts of a campaign, and its finding."""

    programs: int
    runs: int
    passes: int
    failed: int
    """Writes that failed, in the runs with one request at a time."""
    finding: AssertionError | None
    """The difference, with the smallest program that shows it in its notes."""


def ways(order: int) -> list[Way]:
    """Return the ways a program is run: batch sizes in orders of their own and in that of submission, little memory."""
    if not is_ours():
        return [Way(size, None) for size in BATCH_SIZES]
    drawn = [Way(size, order + number) for number, size in enumerate(BATCH_SIZES * 2)]
    return [*drawn, Way(BATCH_SIZES[-1], None), Way(BATCH_SIZES[-1], order, memory=3)]


def _outcome(program: Program, way: Way, quirks: Quirks) -> ProgramOutcome:
    return (ZramRunning(program, way, quirks) if is_ours() else Running(program, way)).outcome()


def compare(program: Program, order: int, quirks: Quirks) -> ProgramOutcome:
    """Run a program in every way and return its outcome; AssertionError if outcomes differ."""
    reference = _outcome(program, REFERENCE, quirks)
    for way in ways(order):
        outcome = _outcome(program, way, quirks)
        for field, one, other in zip(ProgramOutcome._fields, reference, outcome, strict=True):
            assert one == other, f"{field} with {way} are not those of {REFERENCE}: {other!r:.500}, not {one!r:.500}"
    return reference


def run(
    count: int,
    number: int,
    report: Callable[[int], None] | None = None,
    *,
    quirks: Quirks | None = None,
    shrink: bool = True,
) -> ProgramCampaign:
    """Generate `count` programs from the seed `number`, run each in every way; `report` gets the number so far.

    Without `shrink` a finding is returned as it was first seen.
    """
    done = passes = failed = 0

    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)

    @seed(number)
    @settings(
        settings.get_profile("default"), max_examples=count, deadline=None, database=None, derandomize=False,
        phases=phases, print_blob=False, report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(programs(), st.integers(0, 1 << 32))
    def independent(program: Program, order: int) -> None:
        nonlocal done, passes, failed
        outcome = compare(program, order, quirks or Quirks())
        done, passes = done + 1, passes + len(outcome.passes)
        failed += sum(len(each.errors) for each in outcome.passes)
        if report is not None:
            report(done)

    finding = None
    try:
        independent()
    except AssertionError as error:
        finding = error
    return ProgramCampaign(done, done * (1 + len(ways(0))), passes, failed, finding)
