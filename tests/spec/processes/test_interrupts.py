"""Signals that end a command."""

import os
import signal
import threading
from pathlib import Path

import pytest

from spec.processes.interrupts import Interrupted, handled, noted, scratch


def test_a_hangup_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with noted() as interrupt:
            os.kill(os.getpid(), signal.SIGHUP)
            assert interrupt() == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_first_signal_is_noted() -> None:
    with noted() as interrupt:
        assert interrupt() == 0
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupt() == signal.SIGTERM


def test_other_threads_install_no_handler() -> None:
    before, inside = signal.getsignal(signal.SIGINT), []

    def look() -> None:
        with handled(lambda _number, _frame: None):
            inside.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert inside == [before]


def test_scratch_is_removed_after_a_signal() -> None:
    made: list[Path] = []

    def work() -> None:
        with scratch("test-") as folder:
            made.append(folder)
            (folder / "file").touch()
            raise Interrupted(signal.SIGTERM)

    with pytest.raises(Interrupted):
        work()
    assert not made[0].exists()
