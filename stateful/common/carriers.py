"""The tasks of a controlled run: greenlets, or threads of which one at a time has the baton.

Both give the same schedules. A switch of greenlets wakes no thread, which costs more than most of what is between two
switches. A device that asks which thread it is in, or holds a lock that knows its owner, needs threads.
"""

import threading
from collections.abc import Callable
from typing import Final, Protocol

from greenlet import getcurrent, greenlet


class Carrier(Protocol):
    """One task's greenlet or thread."""

    @property
    def resume(self) -> Callable[[], object]:
        """Let it continue; with greenlets this returns when somebody resumes the caller."""
        ...

    @property
    def wait(self) -> Callable[[], object]:
        """Wait until somebody resumes it, which its own task calls after it has resumed another."""
        ...

    def ended(self) -> bool:
        """Return whether it has ended, its task done or not: Ctrl-C may land before or after all that a task does."""
        ...


class Carriers(Protocol):
    """A kind of carriers."""

    def main(self) -> Carrier:
        """Return the carrier of the caller."""
        ...

    def start(self, main: Carrier, body: Callable[[], Carrier]) -> Carrier:
        """Return a carrier that does `body` once it is resumed, and then resumes the one that `body` returns."""
        ...


class _Thread:
    def __init__(self) -> None:
        baton = threading.Lock()
        baton.acquire()
        self.resume: Final = baton.release
        self.wait: Final = baton.acquire

    def ended(self) -> bool:
        """Never: signals are for the main thread."""
        return False


class _Worker(_Thread):
    """A thread that runs one task after another: starting one costs more than a whole schedule."""

    def __init__(self) -> None:
        super().__init__()
        self.body: Callable[[], Carrier] = lambda: self
        threading.Thread(target=self._serve, name="baton", daemon=True).start()

    def _serve(self) -> None:
        while True:
            self.wait()
            following = self.body()
            _IDLE.append(self)
            following.resume()


_IDLE: Final[list[_Worker]] = []


class Threads:
    """Carriers that are threads, which are used again."""

    def main(self) -> Carrier:
        """Return a carrier for the thread that calls."""
        return _Thread()

    def start(self, main: Carrier, body: Callable[[], Carrier]) -> Carrier:
        """Have a thread do `body`."""
        del main
        worker = _IDLE.pop() if _IDLE else _Worker()
        worker.body = body
        return worker


class _Greenlet:
    def __init__(self, of: greenlet) -> None:
        self.greenlet: Final = of
        self.resume: Final = of.switch

    def wait(self) -> None:
        """Be resumed already: `resume` has returned."""

    def ended(self) -> bool:
        """Return whether it has; `resume` returns at once then."""
        return self.greenlet.dead


class Greenlets:
    """Carriers that are greenlets of the thread that calls."""

    def main(self) -> Carrier:
        """Return the greenlet that calls."""
        return _Greenlet(getcurrent())

    def start(self, main: Carrier, body: Callable[[], Carrier]) -> Carrier:
        """Make a greenlet for `body`."""
        assert isinstance(main, _Greenlet), "the carriers of a run are of one kind"

        def end(*_from_parent: object) -> None:  # of one that ends, where this begins
            following = body()
            assert isinstance(following, _Greenlet), "the carriers of a run are of one kind"
            # It continues when this one has ended.
            made.parent = following.greenlet

        made = greenlet(end, main.greenlet)
        return _Greenlet(made)
