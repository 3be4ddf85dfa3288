"""A forked child: it can read and write its copy of the pages; the backing device stays its maker's."""

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.impl.doubles import huge
from zram_impl import Zram, ZramError

PATIENCE = 20
"""Seconds after which a child that hangs is ended."""


def in_a_child(do: Callable[[], bool]) -> bool:
    """Return what `do` does in a forked child; False when it raises or hangs."""
    child = os.fork()
    if not child:
        outcome = False
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(PATIENCE)
            outcome = do()
        finally:
            os._exit(0 if outcome else 1)
    return os.waitpid(child, 0)[1] == 0


def is_busy(call: Callable[[], object]) -> bool:
    try:
        call()
    except ZramError as error:
        return error.errno == errno.EBUSY
    return False


@pytest.fixture
def dev(tmp_path: Path) -> Zram:
    dev = Zram.create("64K", backing=tmp_path / "pages.img", backing_size="64K")
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
