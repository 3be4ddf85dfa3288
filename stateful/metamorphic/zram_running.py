"""Running a program on our own device: answers in any order, writes that fail by block, and more that can be seen."""

import random
from errno import EIO, ENOSPC
from typing import Final

from stateful.common.recount import both_counts
from stateful.metamorphic.ordered import OrderedEngine
from stateful.metamorphic.program import FailingWrites, Program, Step
from stateful.metamorphic.running import DeviceLook, PassOutcome, Running, Way
from stateful.seam.chosen import chosen
from stateful.seam.operations import DiscardPages
from stateful.seam.protocol import PassReport
from stateful.seam.zram import ZramUnderTest
from zram_impl import PAGE_SIZE, Quirks
from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.engine.request import WbReq
from zram_impl.runtime import Runtime, UnshieldedRuntime


class ZramRunning(Running):
    """A `Zram`, and the program it runs."""

    def __init__(self, program: Program, way: Way, quirks: Quirks) -> None:
        self._faults = FailingWrites(frozenset(), frozenset())
        self._order: Final = None if way.order is None else random.Random(way.order)
        self._memory: Final = way.memory
        self._device: Final = chosen().blank(runtime=UnshieldedRuntime(), quirks=quirks, engine=self._make_engine)
        super().__init__(program, way)

    def _make(self, way: Way) -> ZramUnderTest:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        self._device.set_backing(MemoryDevice(self._program.blocks))
        self._device.set_batch_size(way.batch_size)
        self._device.set_compressed_writeback(self._program.compressed)
        self._device.initialise(self._program.pages * PAGE_SIZE)
        self._seam = ZramUnderTest(self._device)
        return self._seam

    def _make_engine(self, device: BackingDevice, _runtime: Runtime) -> OrderedEngine:
        return OrderedEngine(device, self._fault, self._order, self._memory)

    def _fault(self, request: WbReq) -> int:
        if request.index in self._faults.pages:
            return EIO
        return ENOSPC if request.blk_idx in self._faults.blocks else 0

    def _fail(self, step: FailingWrites) -> None:  # type: ignore[explicit-override]  # likewise
        self._faults = step

    def _take(self, step: Step) -> None:  # type: ignore[explicit-override]  # likewise
        if isinstance(step, DiscardPages):  # in one call, which the seam does not have
            end = min(step.first + step.pages, self._program.pages)
            self._device.discard(step.first * PAGE_SIZE, (end - step.first) * PAGE_SIZE)
            self._user.content[step.first : end] = [bytes(PAGE_SIZE)] * (end - step.first)
        else:
            super()._take(step)
        had, counted = both_counts(self._device)
        assert had == counted, f"statistics equal a recount after {step}"

    def _written_back(self) -> set[int]:  # type: ignore[explicit-override]  # likewise
        slots = self._device.snapshot().slots
        return {page for page, slot in enumerate(slots) if slot.blk_idx is not None}

    def _outcome_of(  # type: ignore[explicit-override]  # likewise
        self, report: PassReport, written: tuple[int, ...]
    ) -> PassOutcome:
        result = self._seam.result
        errno = result.last_errno if self._device.quirks.mask_results else result.driver_errno
        return PassOutcome(written, report, result.stopped_by, tuple(result.errors), errno)

    def _look(self) -> DeviceLook:  # type: ignore[explicit-override]  # likewise
        slots = tuple(slot._replace(blk_idx=None) for slot in self._device.snapshot().slots)
        return DeviceLook(slots, tuple(self._device.stats), self._device.writeback_limit)
