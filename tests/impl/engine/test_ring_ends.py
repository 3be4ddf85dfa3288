"""No end of a device leaves a write in flight.

Not without a descriptor to be had, with a ring that takes nothing, past the end of the file, nor with an observer that
raises.
"""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.impl.engine.ring_doubles import DeviceQueue, Make, every_engine, every_ring, opened, ring_threads
from tests.impl.engine.test_ring import System
from tests.impl.fake_device import FakeDevice, closing, reap, requests, verdicts
from zram_impl import PAGE_SIZE, Zram
from zram_impl.bdev.file import open_file
from zram_impl.engine.request import Phase
from zram_impl.engine.ring import RingEngine
from zram_impl.engine.ring_queue import SystemCalls
from zram_impl.passes.base import PassProgress
from zram_impl.runtime import ThreadRuntime

pytestmark = pytest.mark.usefixtures("no_thread_is_left")

REPORTED = (
    "scan", "end_scan", "take_request", "reserve_block", "submit", "device_ok", "endio_queue", "endio_leave", "reap",
    "end_pass",
)  # fmt: skip


@contextmanager
def limited(what: int, soft: int) -> Iterator[None]:
    before, hard = resource.getrlimit(what)
    resource.setrlimit(what, (soft, hard))
    try:
        yield
    finally:
        resource.setrlimit(what, (before, hard))


@every_ring
def test_a_ring_closes_with_all_descriptors_used_up(ring: System, tmp_path: Path) -> None:
    device = open_file(tmp_path / "pages.img", size=64 * PAGE_SIZE)
    queue = opened(ring, device.fileno(), 8)
    with closing(RingEngine(device, ThreadRuntime(), queue, depth=8)) as engine:
        assert verdicts(engine, [1, 3, 5]) == {1: 0, 3: 0, 5: 0}
        with limited(resource.RLIMIT_NOFILE, 0):
            with pytest.raises(OSError, match="Too many open files"):
                os.open("/dev/null", os.O_RDONLY)
            assert queue.wake()
    device.close()


@every_ring
def test_a_ring_that_can_submit_nothing_is_refused(
    ring: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = open_file(tmp_path / "pages.img", size=64 * PAGE_SIZE)
    opened(ring, device.fileno(), 8).close()
    before, call = len(os.listdir("/proc/self/fd")), SystemCalls.__call__

    def filtered(calls: SystemCalls, number: int, *arguments: int) -> int:
        return -errno.EPERM if number in {209, 426} else call(calls, number, *arguments)

    monkeypatch.setattr(SystemCalls, "__call__", filtered)
    with pytest.raises(OSError, match=r"io_submit does not poll|io_uring_enter submits nothing"):
        ring(device.fileno(), 8)
    assert len(os.listdir("/proc/self/fd")) == before
    device.close()


def test_a_place_that_was_not_used_is_given_back_once() -> None:
    """Else two writes share it later, and one of them is never answered."""
    queue = DeviceQueue(FakeDevice())
    with closing(RingEngine(FakeDevice(), ThreadRuntime(), queue, depth=8)) as engine:
        pool = requests(engine, range(0, 16, 2))
        for queue.room in (0, 3, 8):
            for request in pool:
                request.phase = Phase.FLIGHT
            engine.submit(pool)
            assert [request.error for request in reap(engine, 8)] == [0] * 8


@every_engine
@pytest.mark.parametrize("cut", [0, 512])
def test_a_file_that_ends_early_fails_the_rest_of_a_run(make: Make, cut: int, tmp_path: Path) -> None:
    """By the limit on the size of files: a short write up to there, and an error for each page beyond."""
    device = open_file(tmp_path / "pages.img", size=16 * PAGE_SIZE)
    torn = errno.EIO if cut and device.direct else errno.EFBIG
    with closing(make(device)) as engine, limited(resource.RLIMIT_FSIZE, 5 * PAGE_SIZE + cut):
        run, single = verdicts(engine, range(2, 9)), verdicts(engine, [5, 12])
    device.close()
    assert run == {2: 0, 3: 0, 4: 0, 5: torn, 6: errno.EFBIG, 7: errno.EFBIG, 8: errno.EFBIG}
    assert single == {5: torn, 12: errno.EFBIG}


@pytest.mark.parametrize("engine", ["ring", "threads"])
@pytest.mark.parametrize("kind", REPORTED)
def test_an_observer_that_raises_leaves_nothing_in_flight(kind: str, engine: str, tmp_path: Path) -> None:
    left = [2 if kind not in {"end_scan", "end_pass"} else 0]

    def raising(what: str, /, *_args: int) -> None:
        if what == kind:
            left[0] -= 1
            if left[0] == -1:
                raise LookupError(kind)

    pages = [os.urandom(PAGE_SIZE) for _ in range(16)]
    dev = Zram.create("64K", backing=tmp_path / "pages.img", backing_size="64K", engine=engine, observer=raising)
    dev.write_pages(0, b"".join(pages))
    with suppress(LookupError):
        dev.writeback("huge")
    assert [dev.read_page(number) for number in range(16)] == pages
    with suppress(AssertionError):
        dev.close()
    assert left[0] < 0
    assert ring_threads() == []
    open_file(tmp_path / "pages.img", size=None).close()


@pytest.mark.parametrize("kind", ["take_request", "reserve_block", "submit"])
def test_a_step_whose_observer_raises_has_been_done(kind: str, tmp_path: Path) -> None:
    def raising(what: str, /, *_args: int) -> None:
        if what == kind:
            raise LookupError(kind)

    with Zram.create("64K", backing=tmp_path / "pages.img", backing_size="64K", observer=raising) as dev:
        dev.write_page(0, os.urandom(PAGE_SIZE))
        running = dev.begin_writeback("huge")
        with pytest.raises(LookupError, match=kind):
            any(running.advance(1) is PassProgress.DONE for _ in range(10))
    assert ring_threads() == []
