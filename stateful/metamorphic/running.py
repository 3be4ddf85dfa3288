"""Running a program in one way on any device, and its outcome, as far as the way must not matter.

Writes fail by page, not by block, and steps that need a capability which the device lacks are left out.
"""

from typing import Final, NamedTuple

from stateful.common.closing import closed_unless_interrupted
from stateful.metamorphic.ordered import DEPTH
from stateful.metamorphic.program import FailingWrites, Program, Step
from stateful.seam.blocks import WatchedBlocks
from stateful.seam.chosen import chosen, ignore
from stateful.seam.operations import ReadPage, RunPass, User, needed
from stateful.seam.protocol import PassReport, Setup, SystemUnderTest
from zram_impl.runtime import UnshieldedRuntime


class Way(NamedTuple):
    """Settings of a program's passes.

    Attributes:
        batch_size: Requests in flight.
        order: Seed of the order in which they are answered; None: in the order of submission.
        memory: Requests there is memory for.
    """

    batch_size: int
    order: int | None
    memory: int = DEPTH


class PassOutcome(NamedTuple):
    """Effects of a pass."""

    written: tuple[int, ...]
    """Pages that became written back."""
    counts: PassReport
    stopped_by: str | None
    errors: tuple[tuple[int, int], ...]
    errno: int
    """Errno that a store would have returned."""


class DeviceLook(NamedTuple):
    """A device at one moment, without block numbers."""

    slots: tuple[object, ...]
    statistics: tuple[object, ...]
    limit: int | None


class ProgramOutcome(NamedTuple):
    """Outcome of a program, without block numbers."""

    passes: tuple[PassOutcome, ...]
    slots: tuple[object, ...]
    pages: tuple[bytes, ...]
    statistics: tuple[object, ...]
    limit: int | None


class Running:
    """A device, and the program it runs."""

    def __init__(self, program: Program, way: Way) -> None:
        self._program = program
        self._passes: list[PassOutcome] = []
        self._user: Final = User(self._make(way), program.pages)

    def _make(self, way: Way) -> SystemUnderTest:
        program = self._program
        self._blocks = WatchedBlocks(program.blocks)
        return chosen().make(
            Setup(program.pages, program.blocks, way.batch_size, self._blocks, UnshieldedRuntime(), ignore)
        )

    def outcome(self) -> ProgramOutcome:
        """Run the program and return its outcome."""
        device = self._user.device
        with closed_unless_interrupted(device.close):
            for step in self._program.steps:
                self._take(step)
            slots = self._look().slots  # before anything is read, which takes marks off
            pages = tuple(map(device.read, range(self._program.pages)))
            assert list(pages) == self._user.content, "a page reads as what was last written to it"
            now = self._look()
            return ProgramOutcome(tuple(self._passes), slots, pages, now.statistics, now.limit)

    def _take(self, step: Step) -> None:
        match step:
            case FailingWrites():
                self._fail(step)
            case RunPass():
                self._pass(step)
            case ReadPage(page):
                assert self._user.reads_back(page), f"page {page} reads as what was last written"
            case _ if needed(step) in ("", *self._user.device.capabilities):
                self._user.do(step)

    def _fail(self, step: FailingWrites) -> None:
        if "backing" in chosen().capabilities:
            self._blocks.failing = step.pages

    def _pass(self, step: RunPass) -> None:
        if needed(step) not in ("", *self._user.device.capabilities):
            return
        before = self._written_back()
        report = self._user.run(step)
        assert report.selected == sum(report[1:]), f"every selected page is accounted for: {report}"
        written = tuple(sorted(self._written_back() - before))
        self._passes.append(self._outcome_of(report, written))

    def _written_back(self) -> set[int]:
        return {page for page, letter in enumerate(self._user.device.state().slots) if letter == "W"}

    # --- what can be seen of any device; of ours there is more -----------------------------------------------------

    def _outcome_of(self, report: PassReport, written: tuple[int, ...]) -> PassOutcome:
        return PassOutcome(written, report, None, ((0, 0),) * report.failed, 0)

    def _look(self) -> DeviceLook:
        now = self._user.device.state()
        return DeviceLook((now.slots,), tuple(sorted(now.counts.items())), now.limit)
