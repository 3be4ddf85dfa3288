"""A simulated disk: the same writes, errors and short writes on a file through the system's rings and on a model.

A bad block fails each write that begins at it. A block that tears ends each write before it, unless it is alone. So a
run over either is short, and what follows is up to the engine.
"""

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.impl.engine.ring_doubles import DeviceQueue, every_ring, opened
from tests.impl.engine.test_ring import System
from tests.impl.fake_device import closing, reap
from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.file import open_file
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.engine.protocol import Engine
from zram_impl.engine.request import Phase, WbReq
from zram_impl.engine.ring import RingEngine
from zram_impl.engine.ring_queue import WAKE, Answer, RingQueue, Write
from zram_impl.engine.sync import SyncEngine
from zram_impl.runtime import ThreadRuntime
from zram_impl.units import PAGE_SIZE, BlkIdx

BLOCKS, DEPTH = 24, 12


class Faults(NamedTuple):
    """Blocks that fail, and those before which a write tears."""

    bad: frozenset[int]
    torn: frozenset[int]

    def whole(self, first: int, count: int) -> int:
        """Number of pages that a write gets through; ValueError when its first one fails."""
        for at in range(count):
            if first + at in self.bad:
                if not at:
                    raise ValueError
                return at
            if first + at in self.torn and count > 1:
                return at
        return count


class FaultyDevice:
    """A device with faults."""

    def __init__(self, device: BackingDevice, faults: Faults) -> None:
        self.name, self.blocks = device.name, device.blocks
        self.read, self.sync, self.close = device.read, device.sync, device.close
        self._device, self._faults = device, faults

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        try:
            whole = self._faults.whole(blk_idx, len(pages))
        except ValueError:
            raise OSError(errno.EIO, "a bad block") from None
        return self._device.write(blk_idx, pages[:whole]) if whole else 0


class FaultyRing:
    """One of the system's rings with the same faults: a write that gets through in part is a shorter one there."""

    name = "faulty"

    def __init__(self, ring: RingQueue, faults: Faults) -> None:
        self._ring, self._faults = ring, faults
        self._here: list[Answer] = []
        self.close, self.wake = ring.close, ring.wake

    def submit(self, writes: Sequence[Write]) -> int:
        through: list[Write] = []
        here: list[Answer] = []
        for key, run in writes:
            try:
                whole = self._faults.whole(run[0].blk_idx, len(run))
            except ValueError:
                here.append((key, -errno.EIO))
            else:
                if whole:
                    through.append((key, run[:whole]))
                else:
                    here.append((key, 0))
        assert self._ring.submit(through) == len(through)
        self._here += here
        # A thread that waits in the system learns of an answer of ours by one that is no write's.
        assert all(self._ring.wake() for _ in here)
        return len(writes)

    def wait(self, least: int = 1) -> list[Answer]:
        # One wake for each answer of ours; the one left over is the engine's.
        return [self._here.pop(0) if it[0] == WAKE and self._here else it for it in self._ring.wait(least)]


def outcome(engine: Engine, device: BackingDevice, program: list[list[int]]) -> tuple[list[dict[int, int]], bytes]:
    """The errno of every block of every submission, and what is on the device in the end."""
    pages = []
    for _ in range(DEPTH):
        page = engine.buffer()
        assert page is not None
        pages.append(page)
    found = []
    for turn, blocks in enumerate(program):
        sent = []
        for number, block in enumerate(blocks):
            request = WbReq(number, pages[number])
            request.page[:] = bytes([turn * BLOCKS + block + 1]) * PAGE_SIZE
            request.blk_idx, request.phase = BlkIdx(block), Phase.FLIGHT
            sent.append(request)
        engine.submit(sent)
        found.append({int(request.blk_idx): request.error for request in reap(engine, len(sent))})
    content = bytearray(BLOCKS * PAGE_SIZE)
    device.read(0, memoryview(content))
    return [dict(sorted(each.items())) for each in found], bytes(content)


blocks = st.sets(st.integers(0, BLOCKS - 1), min_size=1, max_size=DEPTH).map(sorted)
some = st.frozensets(st.integers(0, BLOCKS - 1), max_size=4)


@every_ring
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(program=st.lists(blocks, min_size=1, max_size=5), faults=st.builds(Faults, some, some))
def test_a_ring_and_a_simulated_disk_end_alike(
    ring: System, program: list[list[int]], faults: Faults, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "ring-disk.img"
    path.unlink(missing_ok=True)
    file, runtime = open_file(path, size=BLOCKS * PAGE_SIZE), ThreadRuntime()
    simulated, reference = MemoryDevice(BLOCKS), MemoryDevice(BLOCKS)
    try:
        real = FaultyRing(opened(ring, file.fileno(), DEPTH), faults)
        with closing(RingEngine(FaultyDevice(file, faults), runtime, real, depth=DEPTH)) as engine:
            on_file = outcome(engine, file, program)
    finally:
        file.close()
    faulty = FaultyDevice(simulated, faults)
    with closing(RingEngine(faulty, runtime, DeviceQueue(faulty), depth=DEPTH)) as engine:
        assert outcome(engine, simulated, program) == on_file
    with closing(SyncEngine(FaultyDevice(reference, faults), depth=DEPTH)) as engine:
        assert outcome(engine, reference, program) == on_file
