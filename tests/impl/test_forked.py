"""A forked child: it can read and write its copy of the pages; the backing device stays its maker's."""

import errno
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.impl.aside import Aside, joined
from tests.impl.children import PATIENCE, held_elsewhere, in_a_child, is_sound
from tests.impl.doubles import huge
from tests.refused import raising
from tests.unmeasured import end_child
from zram_impl import PAGE_SIZE, Zram, ZramError, forking
from zram_impl.engine import ring_choice

# A fork among threads is what is tested; 3.15 warns of every one.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


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
def test_a_child_that_closes_leaves_the_lock_with_its_maker(dev: Zram, way: Callable[[Zram], None]) -> None:
    def closed() -> bool:
        way(dev)
        return not dev.pages

    with dev:
        path = dev.backing_name
        assert path is not None
        assert in_a_child(closed)
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


@pytest.mark.usefixtures("unmeasured")
def test_a_child_is_sound_if_a_lock_is_held_as_it_is_made(tmp_path: Path) -> None:
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

    threads = [Aside(partial(use, calls)) for calls in users]
    try:
        outcomes = [in_a_child(lambda: is_sound(dev), measured=False) for _ in range(30)]
    finally:
        stop.set()
        joined(threads)
    left = dev.pages
    dev.close()
    assert (outcomes, left) == ([True] * 30, pages)


@pytest.mark.parametrize("held", ["control", "table"])
def test_a_fork_waits_for_a_lock_a_while_only(dev: Zram, held: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "PATIENCE", 0.05)
    in_child = (lambda: dev.pages == 0) if held == "control" else (lambda: dev.read_page(0) == huge(0))
    with dev, held_elsewhere(getattr(dev._life, held)) as release:
        assert in_a_child(in_child)
        release()
        assert dev.read_page(0) == huge(0)


@contextmanager
def handled(handlers: Mapping[signal.Signals, Callable[[int, object], None]]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ended_in_child(children: list[int], error: BaseException | None, expected: Callable[[object], bool]) -> None:
    """End the child, if this is it: with 1 when the call raised what is expected."""
    if children and not children[0]:
        end_child(expected(error))


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_call_on_the_shield_ends_in_a_child_forked_during_it(dev: Zram, interrupted: bool) -> None:
    """Also if it waits, after an exception of another handler, for what was begun to end."""
    children: list[int] = []
    forked, stopped = threading.Event(), threading.Event()

    def progress(_settled: int, _selected: int) -> None:
        if not forked.is_set():
            main = threading.main_thread().ident or 0
            if interrupted:
                signal.pthread_kill(main, signal.SIGUSR2)
                stopped.wait(PATIENCE)
            signal.pthread_kill(main, signal.SIGUSR1)
            forked.wait(PATIENCE)

    def stop(_number: int, _frame: object) -> None:
        stopped.set()
        raise KeyError("of a handler")

    def fork(_number: int, _frame: object) -> None:
        children.append(os.fork())
        if children[0]:
            forked.set()

    def expected(error: object) -> bool:
        return isinstance(error, KeyError) if interrupted else getattr(error, "errno", None) == errno.EINTR

    raised: BaseException | None = None
    with handled({signal.SIGUSR1: fork, signal.SIGUSR2: stop}):
        try:
            dev.writeback(pages=[1], progress=progress)
        except (ZramError, KeyError) as error:
            raised = error
        ended_in_child(children, raised, expected)
    assert isinstance(raised, KeyError) is interrupted
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 1
    dev.close()


def test_a_child_has_no_part_in_a_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring that a child kept open would outlive its maker's: it is closed there, and works here."""

    def rings() -> list[str]:
        paths = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
        return [name for path in paths if os.path.lexists(path) and "io_uring" in (name := os.readlink(path))]

    monkeypatch.setattr(ring_choice, "NativeAio", raising(OSError))
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
