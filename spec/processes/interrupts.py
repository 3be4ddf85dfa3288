"""SIGINT, SIGTERM and SIGHUP, handled alike: a command cleans up and exits with 128 plus the number of the signal."""

import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C; `kill`, `timeout` and a cancelled CI job; a closed terminal."""


class Interrupted(KeyboardInterrupt):
    """One of SIGNALS has arrived."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


taker: Callable[[BaseException], bool] | None = None
"""Asked first by `land`: returns whether it raises the exception itself, where it does no harm, and soon."""


def land(error: BaseException) -> None:
    """Raise what a signal means, for its handler: here, or where what is at work would rather have it."""
    if taker is None or not taker(error):
        raise error


@contextmanager
def handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Install `handler` for SIGNALS while the context lasts; under nohup, SIGHUP stays ignored."""
    with ExitStack() as undo:
        if threading.current_thread() is threading.main_thread():  # signals are handled in no other
            for number in SIGNALS:
                before = signal.getsignal(number)
                # a shell ignores SIGINT for its background programs; when it is sent to one, that is on purpose
                if before is not signal.SIG_IGN or number == signal.SIGINT:
                    signal.signal(number, handler)
                    undo.callback(signal.signal, number, signal.SIG_DFL if before is None else before)
        yield


@contextmanager
def noted() -> Iterator[Callable[[], int]]:
    """Note SIGNALS instead of raising; yield a function that returns the number of the first one, or 0."""
    numbers: list[int] = []
    with handled(lambda number, _frame: numbers.append(number)):
        yield lambda: numbers[0] if numbers else 0


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """Make a temporary directory and remove it, both with SIGNALS blocked, so that none arrives halfway."""
    made: list[str] = []
    try:
        with blocked():
            made.append(tempfile.mkdtemp(prefix=prefix))
        yield Path(made[0])
    finally:
        with blocked():
            for path in made:
                shutil.rmtree(path, ignore_errors=True)


@contextmanager
def blocked() -> Iterator[None]:
    """Let SIGNALS wait while the context lasts."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
