"""Free-running threads: a reset or close at any time ends everything, nothing deadlocks, no thread is left."""

import errno
import random
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import TracebackType

import pytest

from tests.hanging import threads
from tests.impl.aside import Aside, joined
from tests.impl.doubles import PATIENCE, Gate, HookedDevice, huge, page
from zram_impl import PAGE_SIZE, WritebackResult, Zram, ZramError
from zram_impl.runtime import Rank, Task, ThreadRuntime

N = 64
"""Pages of the devices here."""

ENDS = [Zram.reset, Zram.close]
every_end = pytest.mark.parametrize("end", ENDS, ids=["reset", "close"])
End = Callable[[Zram], None]


class Ordered:
    """A lock or condition that may only be taken by who holds none of its rank or above."""

    _held = threading.local()

    def __init__(self, rank: Rank) -> None:
        self._rank = rank
        self._inner = threading.Condition(threading.Lock())

    def __enter__(self) -> object:
        held: list[Rank] = self._held.__dict__.setdefault("ranks", [])
        assert all(rank < self._rank for rank in held), f"{self._rank!r} is taken while {held!r} are held"
        self._inner.acquire()
        held.append(self._rank)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None, /
    ) -> None:
        self._held.ranks.remove(self._rank)
        self._inner.release()

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        # The control lock may be held: by a reset, which waits for what is in flight.
        assert set(self._held.ranks) <= {Rank.CONTROL, self._rank}, "nobody waits while users need a lock he holds"
        return self._inner.wait_for(predicate, timeout)

    def notify_all(self) -> None:
        self._inner.notify_all()


class OrderedRuntime:
    """Native threads, and locks that check the order they are taken in."""

    def __init__(self) -> None:
        self._threads = ThreadRuntime()
        self.now = self._threads.now
        self.me = self._threads.me
        self.interruptible = self._threads.interruptible
        self.shielded = self._threads.shielded

    def lock(self, name: str, rank: Rank) -> Ordered:
        del name
        return Ordered(rank)

    def condition(self, name: str, rank: Rank) -> Ordered:
        del name
        return Ordered(rank)

    def spawn(self, run: Callable[[], None], name: str) -> Task:
        return self._threads.spawn(run, name)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)
    left = set(threading.enumerate()) - before
    assert not left, "\n".join([f"{', '.join(sorted(thread.name for thread in left))} are left:", *threads()])


def filled(backing: HookedDevice, batch_size: int = 8) -> Zram:
    dev = Zram.create(N * PAGE_SIZE, backing=backing, batch_size=batch_size, runtime=OrderedRuntime())
    for index in range(N):
        dev.write_page(index, huge(index))
    return dev


def gone(call: Callable[[], object]) -> bool:
    """Return whether a call is refused because the device was reset."""
    try:
        call()
    except ZramError as error:
        assert error.errno == errno.EINVAL  # noqa: PT017 - the other outcome is no exception
        return True
    return False


@every_end
def test_an_end_during_a_pass_finishes_it_and_both_return(end: End) -> None:
    backing, gate = HookedDevice(N), Gate()
    backing.before_write = gate.stop
    dev = filled(backing)
    passing = Aside(lambda: dev.writeback("huge"))
    gate.wait_for_arrival()
    running = dev._life.live().running
    assert running is not None
    ending = Aside(lambda: end(dev))
    while not running.cancelled:  # the end has begun, but for what is in flight
        assert backing.closed == 0
    gate.open()
    ending.join()
    result = passing.join()
    assert (result.selected, result.written, result.stopped_by) == (N, 8, "cancelled")
    assert (result.left, backing.closed, dev.pages) == (N - 8, 1, 0)


@every_end
def test_an_end_during_reads_waits_and_refuses_later_ones(end: End) -> None:
    backing, gate = HookedDevice(N), Gate()
    dev = filled(backing)
    assert dev.writeback("huge").written == N
    backing.before_read = gate.stop

    def read(index: int) -> None:
        while not gone(lambda: dev.read_page(index) == huge(index) or pytest.fail("another page's bytes")):
            pass

    calls = [Aside(partial(read, index)) for index in range(4)]
    gate.wait_for_arrival()
    calls.append(Aside(lambda: end(dev)))
    gate.open()
    joined(calls)
    assert backing.closed == 1


@every_end
def test_an_end_from_several_threads_at_once_happens_once(end: End) -> None:
    backing = HookedDevice(N)
    dev = filled(backing)
    dev.writeback("huge")
    refused: list[int | None] = []

    def attempt() -> None:
        try:
            end(dev)
        except ZramError as error:  # of a reset, while another is under way
            refused.append(error.errno)

    joined([Aside(attempt) for _ in range(6)])
    assert (backing.closed, dev.pages, set(refused) <= {errno.EBUSY}, len(refused) < 6) == (1, 0, True, True)


def test_of_several_passes_begun_at_once_one_runs() -> None:
    backing, gate, results, refused = HookedDevice(N), Gate(), list[WritebackResult](), list[int | None]()
    backing.before_write = gate.stop
    dev = filled(backing)

    def attempt() -> None:
        try:
            results.append(dev.writeback("huge"))
        except ZramError as error:
            refused.append(error.errno)
            if len(refused) == 3:
                gate.open()

    joined([Aside(attempt) for _ in range(4)])
    assert (results, refused) == ([WritebackResult(selected=N, written=N)], [errno.EAGAIN] * 3)
    dev.close()


def write_anywhere(dev: Zram, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(400):
        index = chance.randrange(N)
        dev.write_page(index, huge(index) if number % 3 else page(index))
        if not number % 5:
            dev.discard(index * PAGE_SIZE, PAGE_SIZE)


def read_anywhere(dev: Zram, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(400):
        index = chance.randrange(N)
        assert dev.read_page(index) in (huge(index), page(index), bytes(PAGE_SIZE)), f"page {index}"


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
def test_no_read_returns_another_page_s_bytes_under_load(tmp_path: Path) -> None:
    dev = Zram.create(
        N * PAGE_SIZE, backing=tmp_path / "pages.img", backing_size=20 * PAGE_SIZE, runtime=OrderedRuntime()
    )
    stop = threading.Event()

    def write_back() -> None:
        while not stop.is_set():
            dev.mark_idle()
            result = dev.writeback("idle")
            parts = result.written + result.lost + result.failed + result.skipped + result.left
            assert (parts, result.errors) == (result.selected, [])

    def look() -> None:
        while not stop.is_set():
            stats = dev.stats
            assert 0 <= stats.bd.bd_count <= 20
            assert dev.block_state().count("\n") <= N

    others = [Aside(write_back), Aside(look)]
    joined([Aside(partial(use, dev, seed)) for seed in range(2) for use in (write_anywhere, read_anywhere)])
    stop.set()
    joined(others)
    now = dev.snapshot()
    assert (sum(slot.blk_idx is not None for slot in now.slots), now.requests) == (now.bd_count, ())
    dev.close()


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
def test_a_device_may_be_reset_and_set_up_again_under_its_users(tmp_path: Path) -> None:
    path = tmp_path / "pages.img"
    dev = Zram.create(N * PAGE_SIZE, backing=path, backing_size=N * PAGE_SIZE, runtime=OrderedRuntime())
    lives, stop = 8, threading.Event()

    done = [0] * 5
    """Number of times that each user got through."""

    def use(user: int, job: Callable[[int], object]) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                job(number % N)
                done[user] += 1
            except ZramError as error:
                assert error.errno in {errno.EINVAL, errno.ENODEV}  # noqa: PT017 - as often as not it is there

    def wait_for_everybody() -> None:
        before, until = list(done), time.monotonic() + PATIENCE
        while any(now == then for now, then in zip(done, before, strict=True)):
            assert time.monotonic() < until, f"somebody never gets through: {before} before, {done} now"
            time.sleep(0.001)

    def check(index: int) -> None:
        assert dev.read_page(index) in (huge(index), bytes(PAGE_SIZE)), f"page {index}"

    jobs: tuple[Callable[[int], object], ...] = (
        lambda index: dev.write_page(index, huge(index)),
        check,
        lambda _index: dev.writeback("huge"),
        lambda _index: (dev.stats, dev.pages, dev.backing_name, dev.attrs.show("mm_stat")),
        lambda _index: dev.block_state(),
    )
    users = [Aside(partial(use, user, job)) for user, job in enumerate(jobs)]
    for _ in range(lives):
        dev.reset()
        dev.set_backing(path)
        dev.initialise(N * PAGE_SIZE)
        for index in range(N):
            dev.write_page(index, huge(index))
        wait_for_everybody()
    stop.set()
    joined(users)
    dev.close()
