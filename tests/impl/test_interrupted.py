"""Regressions: real signals whose handlers raise, in passes, writes and discards."""

import gc
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.impl.aside import Aside
from tests.impl.doubles import PATIENCE
from tests.refused import raising
from zram_impl import PAGE_SIZE, Zram

pytestmark = pytest.mark.usefixtures("unmeasured")

PAGES = 256
ROUNDS = 30
CHANCE = random.Random(5)
HUGE = [CHANCE.randbytes(PAGE_SIZE) for _ in range(PAGES)]


class AlarmError(TimeoutError):
    """The exception of an alarm's handler."""


raise_alarm = raising(AlarmError)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGALRM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Hypothesis is called at each collection, and what a handler raises in there is lost: nobody would see the alarm.
    gc.disable()
    yield
    gc.enable()
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(params=["threads", "ring"])
def dev(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Zram]:
    with Zram.create("4M", backing=tmp_path / "pages.img", backing_size="4M", engine=request.param) as made:
        yield made


def write_all(dev: Zram) -> None:
    for number in range(PAGES):
        dev.write_page(number, HUGE[number])


def interrupt_after(seconds: float) -> None:
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGINT)


def writeback_until_interrupted(dev: Zram, sender: threading.Thread) -> None:
    sender.start()
    dev.writeback("huge")
    sender.join()
    time.sleep(PATIENCE)


def until_the_alarm(seconds: float, call: Callable[[], object]) -> None:
    # Set here, not by the caller: on a busy machine it goes off before `pytest.raises` is entered.
    signal.setitimer(signal.ITIMER_REAL, seconds)
    until = time.monotonic() + PATIENCE
    while True:
        call()
        assert time.monotonic() < until, "the alarm is raised"


def test_after_a_ctrl_c_the_next_writeback_ends(dev: Zram) -> None:
    """A Ctrl-C while the worker of a pass was started let two drive it; one took the answers of the next pass.

    Whether a thread has begun cannot be known when an exception arrives: a token decides who does the work.
    """
    for _ in range(ROUNDS):
        write_all(dev)
        sender = threading.Thread(target=interrupt_after, args=(CHANCE.uniform(0, 0.01),))
        with pytest.raises(KeyboardInterrupt):
            writeback_until_interrupted(dev, sender)
        write_all(dev)
        Aside(lambda: dev.writeback("huge")).join()


def test_an_exception_in_a_write_or_discard_leaks_nothing(dev: Zram) -> None:
    """A handler raised between the steps of a replacement: blocks leaked, and statistics went below zero.

    What is computed comes first; entry, flags, counters and block are then stored without a call in between.
    """
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    for _ in range(ROUNDS):
        write_all(dev)
        dev.writeback("huge")
        try:
            signal.setitimer(signal.ITIMER_REAL, CHANCE.uniform(0.0005, 0.003))
            while True:
                for number in range(PAGES):
                    dev.write_page(number, HUGE[-number])
                dev.discard(0, PAGES * PAGE_SIZE)
        except KeyboardInterrupt:
            pass
        dev.discard(0, dev.disksize)
        stats = dev.stats
        assert (stats.bd.bd_count, stats.mm.orig_data_size, stats.mm.compr_data_size, stats.mm.huge_pages) == (0,) * 4


def test_a_timeout_of_an_alarm_is_no_want_of_threads(dev: Zram) -> None:
    """A TimeoutError is an OSError, and was taken for "no thread can be started": a pass was left, EAGAIN for ever.

    Only what the interpreter says when it has no thread counts as that.
    """
    signal.signal(signal.SIGALRM, raise_alarm)
    for _ in range(ROUNDS):
        write_all(dev)
        with pytest.raises(AlarmError):
            until_the_alarm(CHANCE.uniform(1e-4, 0.002), lambda: dev.writeback("huge"))
        dev.writeback("huge")


def test_an_alarm_in_a_read_is_raised_as_it_is(dev: Zram) -> None:
    """A TimeoutError raised while a block was read was taken for the device's answer, and became EIO.

    What a device or the system answers has an errno; and no handler's frame is in its traceback.
    """
    signal.signal(signal.SIGALRM, raise_alarm)
    write_all(dev)
    dev.writeback("huge")
    for _ in range(ROUNDS):
        with pytest.raises(AlarmError):
            until_the_alarm(CHANCE.uniform(1e-4, 0.001), lambda: dev.read(0, PAGES * PAGE_SIZE))
    assert [dev.read_page(number) for number in range(PAGES)] == HUGE
