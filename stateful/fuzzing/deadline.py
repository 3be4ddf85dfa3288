"""The end of a run: a turn that takes longer than there is time is given up, as Ctrl-C would have it."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

from spec.processes.interrupts import land

GRACE_SECONDS: Final = 5.0
"""After which an exception that got lost, in a destructor for example, is raised again."""
SIGNAL: Final = signal.SIGUSR2
"""Not one of those that the storms send."""


class TimeIsUp(BaseException):
    """The time of the run is over. No Exception: what a source tests must not take it for a finding."""


class Deadline:
    """A time at which TimeIsUp is raised in the main thread, while it is `watched` and inside of `raising` alone."""

    def __init__(self, seconds: float) -> None:
        """Count from now on; `seconds` may be infinite."""
        self.at = time.monotonic() + seconds
        self.patient = False
        """Something was found and is being shrunk: that is not given up."""
        self._armed = False

    @property
    def left(self) -> float:
        """Return the seconds that are left, below 0 when they are over."""
        return self.at - time.monotonic()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Have a thread send the signal; without effect in another than the main thread, which gets none."""
        if threading.current_thread() is not threading.main_thread() or self.at == float("inf"):
            yield
            return
        ended = threading.Event()
        main = threading.main_thread().ident
        assert main is not None, "the main thread has begun"

        def watch(main: int = main) -> None:
            left = max(0.0, self.left)
            while not ended.wait(left):
                signal.pthread_kill(main, SIGNAL)
                left = GRACE_SECONDS

        before = signal.signal(SIGNAL, self._raise)
        watcher = threading.Thread(target=watch, name="deadline", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()
            signal.signal(SIGNAL, before)

    @contextmanager
    def raising(self) -> Iterator[list[bool]]:
        """Let TimeIsUp end the block, and no more than that; the list that is yielded is empty unless it did."""
        cut = list[bool]()
        with suppress(TimeIsUp):
            try:
                cut.append(True)
                self._armed = True
                yield cut
                cut.clear()
            finally:
                self._armed = False

    def _raise(self, _number: int, _frame: FrameType | None) -> None:
        if self._armed and not self.patient:
            land(TimeIsUp())
