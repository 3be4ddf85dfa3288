"""A forked child: it can read and write its copy of the pages; the backing device stays its maker's."""

import errno
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from stateful.common.recount import recounted, shown
from tests.impl.doubles import huge
from tests.unmeasured import end_child
from zram_impl import PAGE_SIZE, Zram, ZramError, forking
from zram_impl.engine import ring_choice
from zram_impl.engine.ring_aio import NativeAio

# A fork among threads is what is tested; 3.15 warns of every one.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

PATIENCE = 20
"""Seconds after which a child that hangs is ended."""


def in_a_child(do: Callable[[], bool], *, measured: bool = True) -> bool:
    """Return what `do` does in a forked child; False when it raises or hangs."""
    child = os.fork()
    if not child:
        outcome = False
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(PATIENCE)
            outcome = do()
        finally:
            (os._exit if measured else end_child)(0 if outcome else 1)
    return os.waitpid(child, 0)[1] == 0


def is_busy(call: Callable[[], object]) -> bool:
    try:
        call()
    except ZramError as error:
        return error.errno == errno.EBUSY
    return False


@pytest.fixture(params=["threads", "ring"])
def dev(tmp_path: Path, request: pytest.FixtureRequest) -> Zram:
    dev = Zram.create("64K", backing=tmp_path / "pages.img", backing_size="64K", engine=request.param)
    dev.write_page(0, huge(0))
    dev.write_page(1, huge(1))
    assert dev.writeback(pages=[0]).written == 1
    return dev


def test_a_child_reads_and_writes_its_copy(dev: Zram) -> None:
    def use() -> bool:
        dev.write_page(2, huge(2))
        return [dev.read_page(index) for index in range(3)] == [huge(0), huge(1), huge(2)]

    with dev:
        assert in_a_child(use)
        assert dev.read_page(2) == bytes(len(huge(2)))


def test_a_child_does_not_write_back(dev: Zram) -> None:
    with dev:
        assert in_a_child(lambda: is_busy(lambda: dev.writeback(pages=[1])))
        assert dev.writeback(pages=[1]).written == 1


@pytest.mark.parametrize("way", [Zram.close, Zram.reset], ids=["close", "reset"])
def test_a_child_that_lets_go_leaves_the_lock_with_its_maker(dev: Zram, way: Callable[[Zram], None]) -> None:
    def let_go() -> bool:
        way(dev)
        return not dev.pages

    with dev:
        path = dev.backing_name
        assert path is not None
        assert in_a_child(let_go)
        assert is_busy(lambda: Zram.create("64K", backing=path))
        assert dev.read_page(0) == huge(0)
    Zram.create("64K", backing=path).close()


def test_a_child_made_during_a_pass_can_close(dev: Zram) -> None:
    with dev:
        running = dev.begin_writeback(pages=[1])
        for _ in range(2):  # found, and on its way
            running.advance()

        def close() -> bool:
            dev.close()
            return not dev.pages

        assert in_a_child(close)
        while running.advance().name != "DONE":
            running.wait()
        assert running.result.written == 1


def is_sound(dev: Zram) -> bool:
    """Return whether a copy can be read, written, counted, emptied, reset and made anew."""
    pages = dev.pages
    for index in range(pages):
        dev.read_page(index)
    dev.write_page(3, huge(3))
    if recounted(dev) != shown(dev) or dev.read_page(3) != huge(3):
        return False
    dev.mark_idle()
    dev.compact()
    dev.set_mem_limit("2M")
    dev.discard(0, dev.disksize)
    left = dev.stats
    if left.mm.orig_data_size or left.mm.compr_data_size or left.bd.bd_count:
        return False
    dev.reset()
    dev.initialise("64K")
    dev.write_page(0, huge(1))
    found = dev.read_page(0) == huge(1)
    dev.close()
    return found


@pytest.mark.usefixtures("unmeasured")
def test_a_child_is_sound_whoever_holds_a_lock_as_it_is_made(tmp_path: Path) -> None:
    """A child hung whose copy of the table lock another thread of its parent had held, for ever: 58 of 150 did.

    The locks that guard what a child continues to use are taken before a fork; all others are made anew in the child.
    """
    dev = Zram.create("1M", backing=tmp_path / "pages.img", backing_size="1M")
    stop, pages = threading.Event(), dev.pages
    many = b"".join(huge(number) for number in range(40))
    users: list[list[Callable[[], object]]] = [
        [lambda: dev.write_pages(0, many), lambda: dev.discard(0, 20 * PAGE_SIZE), dev.mark_idle],
        [lambda: dev.writeback("huge")],
        [lambda: dev.read(20 * PAGE_SIZE, 20 * PAGE_SIZE)],
        [lambda: dev.set_mem_limit("4M"), dev.compact],
    ]

    def use(calls: list[Callable[[], object]]) -> None:
        while not stop.is_set():
            for call in calls:
                call()

    threads = [threading.Thread(target=use, args=(calls,)) for calls in users]
    for thread in threads:
        thread.start()
    try:
        outcomes = [in_a_child(lambda: is_sound(dev), measured=False) for _ in range(30)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    left = dev.pages
    dev.close()
    assert (outcomes, left) == ([True] * 30, pages)


@pytest.mark.parametrize("held", ["control", "table"])
def test_a_fork_waits_for_a_lock_a_while_only(dev: Zram, held: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "PATIENCE", 0.05)
    holding, let = threading.Event(), threading.Event()

    def hold() -> None:
        with getattr(dev._life, held):
            holding.set()
            let.wait(PATIENCE)

    holder = threading.Thread(target=hold)
    holder.start()
    assert holding.wait(PATIENCE)
    in_child = (lambda: dev.pages == 0) if held == "control" else (lambda: dev.read_page(0) == huge(0))
    with dev:
        assert in_a_child(in_child)
        let.set()
        holder.join()
        assert dev.read_page(0) == huge(0)


@pytest.mark.usefixtures("unmeasured")
def test_a_call_on_the_shield_ends_in_a_child_forked_meanwhile(dev: Zram) -> None:
    outcome: list[int] = []

    def progress(_settled: int, _selected: int) -> None:
        if not forked.is_set():
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
            forked.wait(PATIENCE)

    def fork(_number: int, _frame: object) -> None:
        outcome.append(os.fork())
        if outcome[0]:
            forked.set()

    forked = threading.Event()
    before = signal.signal(signal.SIGUSR1, fork)
    try:
        dev.writeback(pages=[1], progress=progress)
    except ZramError as error:
        if outcome and not outcome[0]:
            end_child(error.errno == errno.EINTR)
        raise
    finally:
        if outcome and not outcome[0]:
            end_child(99)
        signal.signal(signal.SIGUSR1, before)
    assert os.waitstatus_to_exitcode(os.waitpid(outcome[0], 0)[1]) == 1
    dev.close()


def test_a_child_has_no_part_in_a_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring that a child kept open would outlive its maker's: it is closed there, and works here."""

    def rings() -> list[str]:
        paths = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
        return [name for path in paths if os.path.lexists(path) and "io_uring" in (name := os.readlink(path))]

    def refuse(_fd: int, _entries: int) -> NativeAio:
        raise OSError

    monkeypatch.setattr(ring_choice, "NativeAio", refuse)
    with Zram.create("64K", backing=tmp_path / "pages.img", backing_size="64K", engine="ring") as dev:
        dev.write_page(0, huge(0))
        assert dev.writeback(pages=[0]).written == 1
        if dev.engine_kind != "ring over io_uring":
            pytest.skip(f"there is no io_uring here: {dev.engine_kind}")
        assert rings()
        assert in_a_child(lambda: not rings() and is_busy(lambda: dev.writeback(pages=[0])))
        dev.write_page(1, huge(1))
        assert dev.writeback(pages=[1]).written == 1
        assert dev.read_page(1) == huge(1)
