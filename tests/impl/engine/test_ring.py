"""The ring engine: what becomes of answers, of what the ring does not take, and of what is there at the end."""

import errno
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.impl.engine.ring_doubles import DeviceQueue, every_ring, opened, ring_threads
from tests.impl.fake_device import FakeDevice, closing, reap, requests, verdicts
from tests.refused import raising, refused
from zram_impl import PAGE_SIZE, Zram
from zram_impl.bdev.file import FileDevice, open_file
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.engine import background, ring, ring_choice, ring_uring
from zram_impl.engine.request import Phase
from zram_impl.engine.ring import RingEngine
from zram_impl.engine.ring_choice import engine_kind, ring_or_threads
from zram_impl.engine.ring_queue import Answer, RingQueue, SystemCalls, Write
from zram_impl.engine.ring_uring import IoUring
from zram_impl.engine.sync import SyncEngine
from zram_impl.engine.threads import ThreadEngine
from zram_impl.faults import ScarceThreads, nth
from zram_impl.runtime import ThreadRuntime, UnshieldedRuntime
from zram_impl.units import BlkIdx

System = Callable[[int, int], RingQueue]


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    before, descriptors = set(threading.enumerate()), len(os.listdir("/proc/self/fd"))
    yield
    assert set(threading.enumerate()) <= before
    assert len(os.listdir("/proc/self/fd")) == descriptors


@pytest.fixture
def file(tmp_path: Path) -> Iterator[FileDevice]:
    device = open_file(tmp_path / "pages.img", size=64 * PAGE_SIZE)
    yield device
    device.close()


def over(device: FakeDevice, *, room: int = 1 << 20, split: int = 2) -> tuple[RingEngine, DeviceQueue]:
    queue = DeviceQueue(device)
    queue.room = room
    return RingEngine(device, ThreadRuntime(), queue, depth=64, split=split), queue


class Answering(DeviceQueue):
    """A ring that answers the first writes as it is asked to, without doing them."""

    def __init__(self, device: FakeDevice, *results: int) -> None:
        super().__init__(device)
        self._results = list(results)

    def wait(self, least: int = 1) -> list[Answer]:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        if not self._results:
            return super().wait(least)
        with self._has:
            self._has.wait_for(lambda: bool(self._todo))
            return [(self._todo.popleft()[0], self._results.pop(0))]


# --- writes --------------------------------------------------------------------------------------------------------


def test_scattered_pages_are_all_under_way_at_once() -> None:
    engine, queue = over(FakeDevice(), room=64)
    sizes: list[int] = []

    def submit(writes: Sequence[Write]) -> int:
        sizes.append(len(writes))
        return DeviceQueue.submit(queue, writes)

    queue.submit = submit  # type: ignore[method-assign]  # to count
    with closing(engine):
        assert verdicts(engine, range(0, 64, 2)) == dict.fromkeys(range(0, 64, 2), 0)
    assert sizes == [32]


@pytest.mark.parametrize(("split", "lengths"), [(1, [32]), (2, [16, 16]), (4, [8, 8, 8, 8])])
def test_a_stretch_is_cut_into_as_many_writes_as_asked(split: int, lengths: list[int]) -> None:
    device = FakeDevice()
    with closing(over(device, split=split)[0]) as engine:
        verdicts(engine, range(32))
    assert [len(call) for call in device.calls] == lengths


@pytest.mark.parametrize("room", [0, 1, 3])
def test_writes_the_ring_has_no_room_for_are_done_at_once(room: int) -> None:
    device = FakeDevice()
    with closing(over(device, room=room)[0]) as engine:
        for start in range(3):
            assert verdicts(engine, range(start, 32, 4)) == dict.fromkeys(range(start, 32, 4), 0)
    assert sorted(device.calls) == [[block] for block in range(32) if block % 4 < 3]


def test_without_a_thread_requests_are_written_where_submitted() -> None:
    device = FakeDevice()
    runtime = ScarceThreads(ThreadRuntime(), nth(0), failure=RuntimeError("can't start new thread"))
    with closing(RingEngine(device, runtime, DeviceQueue(device), depth=8)) as engine:
        assert verdicts(engine, range(4)) == dict.fromkeys(range(4), 0)
        assert device.threads == {threading.get_ident()}
        device.threads.clear()
        assert verdicts(engine, range(10, 14)) == dict.fromkeys(range(10, 14), 0)
        assert threading.get_ident() not in device.threads


@pytest.mark.parametrize("code", [errno.EAGAIN, errno.EINTR, errno.ECANCELED])
def test_an_error_that_is_the_rings_own_is_no_verdict(code: int) -> None:
    """A thread that has ended since cancels the buffered writes it submitted: the block has nothing to do with it."""
    device = FakeDevice()
    with closing(RingEngine(device, ThreadRuntime(), Answering(device, -code, -code), depth=8)) as engine:
        assert verdicts(engine, [1, 5, 6]) == {1: 0, 5: 0, 6: 0}
    assert device.calls == [[1], [5, 6]]


@pytest.mark.parametrize(
    ("result", "calls"),
    [(-errno.EIO, [[0], [1], [2], [3]]), (0, [[0], [1], [2], [3]]), (2 * PAGE_SIZE + 100, [[2], [3]])],
)
def test_a_failed_or_short_run_is_tried_again_by_the_page(result: int, calls: list[list[int]]) -> None:
    device = FakeDevice()
    queue = Answering(device, result)
    with closing(RingEngine(device, ThreadRuntime(), queue, depth=8, split=1)) as engine:
        assert verdicts(engine, range(4)) == dict.fromkeys(range(4), 0)
    assert device.calls == calls


def test_a_single_page_that_fails_is_not_tried_again() -> None:
    device = FakeDevice()
    with closing(RingEngine(device, ThreadRuntime(), Answering(device, -errno.ENOSPC), depth=8)) as engine:
        assert verdicts(engine, [3]) == {3: errno.ENOSPC}
    assert device.calls == []


def test_each_answer_is_reaped_as_soon_as_it_is_there() -> None:
    later = threading.Event()

    class Late(DeviceQueue):
        def wait(self, least: int = 1) -> list[Answer]:  # type: ignore[explicit-override]  # typing has it from 3.12 on
            if self._todo and self._todo[0][1] and self._todo[0][1][0].blk_idx == 20:
                assert later.wait(10)
            return super().wait(least)

    device = FakeDevice()
    with closing(RingEngine(device, ThreadRuntime(), Late(device), depth=8)) as engine:
        first, second = requests(engine, [10, 20])
        engine.submit([first, second])
        assert reap(engine, 1) == [first]
        later.set()
        assert reap(engine, 1) == [second]


def test_waiting_for_a_hung_device_ends_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "PATIENCE", 0.01)
    later = threading.Event()

    def hangs(_blk_idx: int, pages: Sequence[memoryview]) -> int:
        assert later.wait(10)
        return len(pages) * PAGE_SIZE

    with closing(over(FakeDevice(hangs))[0]) as engine:
        sent = requests(engine, [1])
        engine.submit(sent)
        assert engine.answered(wait=True) == []
        later.set()
        assert reap(engine, 1) == sent


# --- the system's rings --------------------------------------------------------------------------------------------


@every_ring
def test_a_ring_writes_as_the_reference_does(ring: System, file: FileDevice) -> None:
    """Runs, single pages, and places that are used again and again, beyond where the queue's counters wrap."""
    with closing(RingEngine(file, ThreadRuntime(), opened(ring, file.fileno(), 16), depth=16)) as engine:
        pool = requests(engine, range(16))
        for turn in range(40):
            for number, request in enumerate(pool):
                request.page[:] = bytes([turn + number]) * PAGE_SIZE
                request.blk_idx, request.phase = BlkIdx((number * (1 + turn % 4) + turn) % 64), Phase.FLIGHT
            engine.submit(pool)
            assert [request.error for request in reap(engine, 16)] == [0] * 16
            for request in pool:
                read = bytearray(PAGE_SIZE)
                file.read(request.blk_idx, memoryview(read))
                assert read == request.page


def test_an_io_uring_that_lacks_a_feature_is_refused_and_closed(
    file: FileDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(IoUring, file.fileno(), 4).close()
    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(ring_uring, "_FEATURES", 1 << 31)
    with pytest.raises(OSError, match="0x80000000 are needed"):
        IoUring(file.fileno(), 4)
    assert len(os.listdir("/proc/self/fd")) == before


@every_ring
def test_several_writes_are_one_system_call(ring: System, file: FileDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = opened(ring, file.fileno(), 16)
    with closing(RingEngine(file, ThreadRuntime(), queue, depth=16)) as engine:
        made, call = list[tuple[int, ...]](), SystemCalls.__call__

        def counted(calls: SystemCalls, *arguments: int) -> int:
            made.append(arguments)
            return call(calls, *arguments)

        monkeypatch.setattr(SystemCalls, "__call__", counted)
        assert queue.submit([(place, [request]) for place, request in enumerate(requests(engine, [1, 7]))]) == 2
        assert len(made) == 1
        answered = 0
        while answered < 2:
            answered += len(queue.wait())


@every_ring
def test_a_ring_that_takes_nothing_is_not_asked_for_ever(
    ring: System, file: FileDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = opened(ring, file.fileno(), 16)
    with closing(RingEngine(file, ThreadRuntime(), queue, depth=16)) as engine:
        sent = requests(engine, [1, 7])
        with monkeypatch.context() as patch:
            answers = iter([1, 0])
            patch.setattr(SystemCalls, "__call__", lambda *_arguments: next(answers))
            assert queue.submit([(place, [request]) for place, request in enumerate(sent)]) == 1


@every_ring
def test_a_ring_answers_with_the_systems_errors(ring: System, tmp_path: Path) -> None:
    path = tmp_path / "pages.img"
    path.write_bytes(bytes(16 * PAGE_SIZE))
    fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    device = FileDevice(fd, "read-only", 16, direct=True)
    outcomes = []
    for engine in (SyncEngine(device, depth=16), RingEngine(device, ThreadRuntime(), opened(ring, fd, 16), depth=16)):
        with closing(engine):
            outcomes.append(verdicts(engine, [0, 1, 2, 5, 9]))
    device.close()
    assert outcomes == [dict.fromkeys([0, 1, 2, 5, 9], errno.EBADF)] * 2


@every_ring
def test_close_finishes_what_is_in_flight(ring: System, file: FileDevice) -> None:
    engine = RingEngine(file, ThreadRuntime(), opened(ring, file.fileno(), 64), depth=64)
    sent = requests(engine, range(0, 64, 2))
    engine.submit(sent)
    assert len(ring_threads()) == 1
    engine.close()
    engine.close()
    assert ring_threads() == []
    assert {request.error for request in engine.answered()} == {0}
    assert {request.phase for request in sent} == {Phase.ANSWERED}


@every_ring
def test_an_unused_ring_closes_without_a_thread(ring: System, file: FileDevice) -> None:
    engine = RingEngine(file, ThreadRuntime(), opened(ring, file.fileno(), 8), depth=8)
    engine.close()
    engine.close()


def test_a_wake_that_finds_no_room_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "PATIENCE", 0.01)
    engine, queue = over(FakeDevice())
    woken: list[bool] = []

    def wake() -> bool:
        woken.append(len(woken) == 2)
        return woken[-1] and DeviceQueue.wake(queue)

    queue.wake = wake  # type: ignore[method-assign]  # to refuse twice
    verdicts(engine, [1])
    engine.close()
    assert (woken, queue.closed) == ([False, False, True], 1)


# --- the choice ----------------------------------------------------------------------------------------------------


@pytest.fixture
def direct(file: FileDevice) -> FileDevice:
    if not file.direct:
        pytest.skip("the file system of temporary files has no O_DIRECT")
    return file


def test_a_file_gets_a_ring(direct: FileDevice) -> None:
    with closing(ring_or_threads(direct, ThreadRuntime(), depth=8)) as engine:
        assert engine_kind(engine) in {"ring over io_uring", "ring over native AIO"}
        assert verdicts(engine, [1]) == {1: 0}


def test_what_is_no_file_gets_threads() -> None:
    with closing(ring_or_threads(MemoryDevice(8), ThreadRuntime(), depth=8)) as engine:
        assert isinstance(engine, ThreadEngine)
        assert engine_kind(engine) == "threads, as there is no ring: MemoryDevice is no file"
        assert verdicts(engine, [1]) == {1: 0}


def test_a_runtime_with_tasks_of_its_own_gets_threads(direct: FileDevice) -> None:
    runtime = ScarceThreads(ThreadRuntime(), nth(5))
    with closing(ring_or_threads(direct, runtime, depth=8)) as engine:
        assert engine_kind(engine) == "threads, as ScarceThreads has tasks of its own"
    with closing(ring_or_threads(direct, UnshieldedRuntime(), depth=8)) as engine:
        assert isinstance(engine, RingEngine)


def test_io_uring_stands_in_for_native_aio(direct: FileDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_choice, "NativeAio", raising(OSError, errno.EPERM, "io_setup: not permitted"))
    with closing(ring_or_threads(direct, ThreadRuntime(), depth=8)) as engine:
        assert engine_kind(engine) == "ring over io_uring"
        assert verdicts(engine, [1, 3]) == {1: 0, 3: 0}


def test_without_either_ring_there_are_threads(direct: FileDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_choice, "NativeAio", raising(OSError, errno.EPERM, "io_setup: not permitted"))
    monkeypatch.setattr(ring_choice, "IoUring", raising(OSError, errno.EPERM, "io_uring_setup: not permitted"))
    with closing(ring_or_threads(direct, ThreadRuntime(), depth=8)) as engine:
        assert engine_kind(engine) == (
            "threads, as there is no ring: io_setup: not permitted, io_uring_setup: not permitted"
        )
        assert verdicts(engine, [1, 3]) == {1: 0, 3: 0}


@pytest.fixture
def buffered(tmp_path: Path) -> Iterator[FileDevice]:
    fd = os.open(tmp_path / "pages.img", os.O_RDWR | os.O_CREAT)
    os.ftruncate(fd, 64 * PAGE_SIZE)
    device = FileDevice(fd, "buffered", 64, direct=False)
    yield device
    device.close()


def test_a_file_in_the_page_cache_gets_threads(buffered: FileDevice) -> None:
    with closing(ring_or_threads(buffered, ThreadRuntime(), depth=8)) as engine:
        assert engine_kind(engine) == "threads, as there is no ring: buffered is written through the page cache"


@every_ring
def test_a_ring_writes_through_the_page_cache(ring: System, buffered: FileDevice) -> None:
    blocks = [*range(8), *range(10, 40, 2)]
    with closing(RingEngine(buffered, ThreadRuntime(), opened(ring, buffered.fileno(), 64), depth=64)) as engine:
        assert verdicts(engine, blocks) == dict.fromkeys(blocks, 0)
    written = os.pread(buffered.fileno(), 64 * PAGE_SIZE, 0)
    assert [written[block * PAGE_SIZE] for block in blocks] == [block % 251 + 1 for block in blocks]


def test_an_unknown_system_is_refused_a_ring(direct: FileDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "vax")
    with closing(ring_or_threads(direct, ThreadRuntime(), depth=8)) as engine:
        assert "no numbers of system calls are known for linux on vax" in engine_kind(engine)


@pytest.mark.usefixtures("direct")
def test_a_device_writes_back_through_a_ring_by_default(tmp_path: Path) -> None:
    pages = [os.urandom(PAGE_SIZE) for _ in range(64)]
    with Zram.create("256K", backing=tmp_path / "device.img", backing_size="256K") as dev:
        dev.write_pages(0, b"".join(pages))
        assert dev.writeback("huge").written == 64
        assert dev.engine_kind in {"ring over io_uring", "ring over native AIO"}
        assert dev.stats.engine == dev.engine_kind
        assert [dev.read_page(number) for number in range(64)] == pages
        dev.reset()
        assert ring_threads() == []


def test_a_device_has_no_engine_before_its_first_pass(tmp_path: Path) -> None:
    with Zram.create("64K", backing=tmp_path / "pages.img", backing_size="64K") as dev:
        assert dev.engine_kind is None
    assert Zram().engine_kind is None


def test_an_engine_of_another_name_is_refused() -> None:
    with refused(errno.EINVAL, "engine must be callable or one of threads, ring, got 'rings'"):
        Zram(engine="rings")
