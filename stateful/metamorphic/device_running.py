"""Running a program on any device: with one batch size or another the outcome has to be the same.

Writes fail by page, not by block, and steps that need a capability which the device lacks are left out.
"""

from stateful.common.stamped_pages import same_filled, stamped
from stateful.metamorphic.program import (
    DiscardPages,
    FailingWrites,
    Limit,
    MarkIdle,
    Program,
    ReadPage,
    RunPass,
    Step,
    WritePage,
)
from stateful.metamorphic.running import PassOutcome, ProgramOutcome, Way
from stateful.seam.blocks import WatchedBlocks
from stateful.seam.chosen import chosen, ignore
from stateful.seam.protocol import LimitedDevice, MarkingDevice, Setup
from zram_impl import PAGE_SIZE
from zram_impl.runtime import UnshieldedRuntime


class DeviceRunning:
    """A device, and the program it runs."""

    def __init__(self, program: Program, way: Way) -> None:
        self._program = program
        self._content = [bytes(PAGE_SIZE)] * program.pages
        self._blocks = WatchedBlocks(program.blocks)
        self._generation = 0
        self._passes: list[PassOutcome] = []
        setup = Setup(program.pages, program.blocks, way.batch_size, self._blocks, UnshieldedRuntime(), ignore)
        self._device = chosen().make(setup)

    def outcome(self) -> ProgramOutcome:
        """Run the program and return its outcome."""
        try:
            for step in self._program.steps:
                self._take(step)
            pages = tuple(map(self._device.read, range(self._program.pages)))
            assert list(pages) == self._content, "a page reads as what was last written to it"
            now = self._device.state()
            statistics = tuple(sorted(now.counts.items()))
            return ProgramOutcome(tuple(self._passes), (now.slots,), pages, statistics, now.limit)
        finally:
            self._device.close()

    def _take(self, step: Step) -> None:
        device = self._device
        match step:
            case WritePage(page, kind):
                self._generation += 1
                data = stamped(page, self._generation, huge=kind == "huge")
                if kind == "same":
                    data = same_filled(self._generation)
                device.write(page, data)
                self._content[page] = data
            case DiscardPages(first, pages):
                for page in range(first, min(first + pages, self._program.pages)):
                    device.discard(page)
                    self._content[page] = bytes(PAGE_SIZE)
            case ReadPage(page):
                assert device.read(page) == self._content[page], f"page {page} reads as what was last written"
            case RunPass(mode, named):
                self._pass(mode, named)
            case _:
                self._set(step)

    def _set(self, step: Step) -> None:
        """Take a step that needs a capability, if the device has it."""
        device = self._device
        match step:
            case MarkIdle() if isinstance(device, MarkingDevice):
                device.mark_idle()
            case Limit(blocks) if isinstance(device, LimitedDevice):
                device.set_limit(blocks)
            case FailingWrites(pages, _blocks) if "backing" in chosen().capabilities:
                self._blocks.failing = pages
            case _:
                pass

    def _pass(self, mode: str | None, named: tuple[int, ...]) -> None:
        device = self._device
        before = self._written_back()
        if mode is None:
            report = device.writeback(named)
        elif isinstance(device, MarkingDevice):
            report = device.writeback_mode(mode)
        else:
            return
        assert report.selected == sum(report[1:]), f"every selected page is accounted for: {report}"
        written = tuple(sorted(self._written_back() - before))
        self._passes.append(PassOutcome(written, report, None, ((0, 0),) * report.failed, 0))

    def _written_back(self) -> set[int]:
        return {page for page, letter in enumerate(self._device.state().slots) if letter == "W"}
