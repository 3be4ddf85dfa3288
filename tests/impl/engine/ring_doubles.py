"""Engines to run every test of the protocol on, and rings that a test decides over."""

import errno
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import pytest

from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.file import FileDevice
from zram_impl.engine.protocol import Engine
from zram_impl.engine.request import WbReq
from zram_impl.engine.ring import RingEngine
from zram_impl.engine.ring_aio import NativeAio
from zram_impl.engine.ring_queue import WAKE, Answer, RingQueue, Write
from zram_impl.engine.ring_uring import IoUring
from zram_impl.engine.sync import SyncEngine
from zram_impl.engine.threads import ThreadEngine
from zram_impl.runtime import Condition, Rank, Runtime, ThreadRuntime

Make = Callable[[BackingDevice], Engine]


class DeviceQueue:
    """A ring over any device: a write is done when somebody waits for its answer, and answered as the system would.

    Attributes:
        room: Writes it takes in one submission.
        asked: How many answers it was asked to wait for, each time.
    """

    name = "a device"

    def __init__(self, device: BackingDevice, runtime: Runtime | None = None) -> None:
        self.closed = 0
        self.room = 1 << 20
        self.asked: list[int] = []
        self._device = device
        self._has: Condition = (runtime or ThreadRuntime()).condition("engine.work", Rank.ENGINE)
        self._todo: deque[tuple[int, Sequence[WbReq]]] = deque()

    def submit(self, writes: Sequence[Write]) -> int:
        taken = min(len(writes), self.room)
        with self._has:
            self._todo.extend(writes[:taken])
            self._has.notify_all()
        return taken

    def wake(self) -> bool:
        with self._has:
            self._todo.append((WAKE, ()))
            self._has.notify_all()
        return True

    def wait(self, least: int = 1) -> list[Answer]:
        self.asked.append(least)
        with self._has:
            self._has.wait_for(lambda: bool(self._todo))
            key, run = self._todo.popleft()
        if key == WAKE:
            return [(key, 0)]
        try:
            return [(key, self._device.write(run[0].blk_idx, [request.page for request in run]))]
        except OSError as error:
            return [(key, -(error.errno or errno.EIO))]

    def close(self) -> None:
        self.closed += 1


def make_sync(device: BackingDevice) -> Engine:
    return SyncEngine(device, depth=64)


def make_threads(device: BackingDevice) -> Engine:
    return ThreadEngine(device, ThreadRuntime(), depth=64)


def _make_ring(device: BackingDevice, system: Callable[[int, int], RingQueue]) -> Engine:
    queue = opened(system, device.fileno(), 64) if isinstance(device, FileDevice) else DeviceQueue(device)
    return RingEngine(device, ThreadRuntime(), queue, depth=64)


def opened(system: Callable[[int, int], RingQueue], fd: int, entries: int) -> RingQueue:
    """Open one of the system's rings; a test that needs it is skipped where the system refuses."""
    try:
        return system(fd, entries)
    except OSError as error:
        pytest.skip(f"this system has no such ring: {error}")


def make_io_uring(device: BackingDevice) -> Engine:
    """Over a file the system's ring, over anything else one of ours."""
    return _make_ring(device, IoUring)


def make_native_aio(device: BackingDevice) -> Engine:
    """Likewise."""
    return _make_ring(device, NativeAio)


RINGS: Final = {"io_uring": IoUring, "native AIO": NativeAio}
MAKERS: Final = {
    "sync": make_sync, "threads": make_threads, "io_uring": make_io_uring, "native AIO": make_native_aio,
}  # fmt: skip

every_engine = pytest.mark.parametrize("make", list(MAKERS.values()), ids=list(MAKERS))
every_engine_of_a_device = pytest.mark.parametrize("make", [make_sync, make_threads], ids=["sync", "threads"])
"""Those that call the device for each write: what a system answers is a number, and cannot be a defect."""
every_ring = pytest.mark.parametrize("ring", list(RINGS.values()), ids=list(RINGS))


def ring_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "zram-ring"]
