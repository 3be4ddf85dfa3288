"""Running a program in one way, and its outcome, as far as the way must not matter."""

import random
from errno import EIO, ENOSPC
from typing import NamedTuple

from stateful.common.recount import recounted, shown
from stateful.common.stamped_pages import same_filled, stamped
from stateful.metamorphic.ordered import DEPTH, OrderedEngine
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
from stateful.seam.chosen import chosen
from zram_impl import PAGE_SIZE, Quirks
from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.engine.request import WbReq
from zram_impl.runtime import Runtime


class Way(NamedTuple):
    """How passes of a program are run.

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
    counts: tuple[int, int, int, int, int, int]
    """Of the result: selected, written, lost, failed, skipped, left."""
    stopped_by: str | None
    errors: tuple[tuple[int, int], ...]
    errno: int
    """Errno that a store would have returned."""


class ProgramOutcome(NamedTuple):
    """Outcome of a program, without block numbers."""

    passes: tuple[PassOutcome, ...]
    slots: tuple[object, ...]
    pages: tuple[bytes, ...]
    statistics: tuple[object, ...]
    limit: int | None


class Running:
    """A device, and the program it runs."""

    def __init__(self, program: Program, way: Way, quirks: Quirks) -> None:
        self._program = program
        self._content = [bytes(PAGE_SIZE)] * program.pages
        self._faults = FailingWrites(frozenset(), frozenset())
        self._order = None if way.order is None else random.Random(way.order)
        self._memory = way.memory
        self._generation = 0
        self.passes: list[PassOutcome] = []
        self.device = chosen().blank(quirks=quirks, engine=self._make_engine)
        self.device.set_backing(MemoryDevice(program.blocks))
        self.device.set_batch_size(way.batch_size)
        self.device.initialise(program.pages * PAGE_SIZE)

    def _make_engine(self, device: BackingDevice, _runtime: Runtime) -> OrderedEngine:
        return OrderedEngine(device, self._fault, self._order, self._memory)

    def _fault(self, request: WbReq) -> int:
        if request.index in self._faults.pages:
            return EIO
        return ENOSPC if request.blk_idx in self._faults.blocks else 0

    def outcome(self) -> ProgramOutcome:
        """Run the program and return its outcome."""
        with self.device as device:
            for step in self._program.steps:
                self._take(step)
                assert shown(device) == recounted(device), f"statistics equal a recount after {step}"
            slots = tuple(slot._replace(blk_idx=None) for slot in device.snapshot().slots)
            pages = tuple(map(device.read_page, range(self._program.pages)))
            assert list(pages) == self._content, "a page reads as what was last written to it"
            return ProgramOutcome(tuple(self.passes), slots, pages, tuple(device.stats), device.writeback_limit)

    def _take(self, step: Step) -> None:
        device = self.device
        match step:
            case WritePage(page, kind):
                self._generation += 1
                data = stamped(page, self._generation, huge=kind == "huge")
                if kind == "same":
                    data = same_filled(self._generation)
                device.write_page(page, data)
                self._content[page] = data
            case DiscardPages(first, pages):
                end = min(first + pages, self._program.pages)
                device.discard(first * PAGE_SIZE, (end - first) * PAGE_SIZE)
                self._content[first:end] = [bytes(PAGE_SIZE)] * (end - first)
            case ReadPage(page):
                assert device.read_page(page) == self._content[page], f"page {page} reads as what was last written"
            case MarkIdle():
                device.mark_idle()
            case Limit(blocks):
                device.enable_writeback_limit(enabled=blocks is not None)
                device.set_writeback_limit(blocks or 0)
            case FailingWrites():
                self._faults = step
            case RunPass(mode, named):
                self.passes.append(self._pass(mode, named))

    def _pass(self, mode: str | None, named: tuple[int, ...]) -> PassOutcome:
        before = self._written_back()
        result = self.device.writeback(mode) if mode else self.device.writeback(pages=named)  # type: ignore[arg-type]  # a text
        counts = (result.selected, result.written, result.lost, result.failed, result.skipped, result.left)
        errno = result.last_errno if self.device.quirks.mask_results else result.driver_errno
        written = tuple(sorted(self._written_back() - before))
        return PassOutcome(written, counts, result.stopped_by, tuple(result.errors), errno)

    def _written_back(self) -> set[int]:
        slots = self.device.snapshot().slots
        return {page for page, slot in enumerate(slots) if slot.blk_idx is not None}
