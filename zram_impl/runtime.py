"""The sources of nondeterminism: locks, waiting, threads and the clock.

The device takes a `Runtime` in its constructor and uses nothing else of `threading` or `time`. Production runs on
`ThreadRuntime`; a test runtime can run the same code one step at a time, under schedules of its own choosing.

Lock order: a task may take a lock only of a higher rank than every lock it holds. The ranks are in `Rank`.
"""

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from types import TracebackType
from typing import Final, Protocol, TypeVar

from zram_impl.shield import Interrupts, NoThreadError, held_back, interruptible, shielded, start_thread

T = TypeVar("T")


class Rank(IntEnum):
    """Lock order, outermost first. What each lock guards is said beside the attribute that holds it."""

    CONTROL = 1
    PASS = 2
    TABLE = 3
    ENGINE = 4


class Lock(Protocol):
    """A lock that is not re-entrant."""

    def __enter__(self) -> object: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None, /
    ) -> bool | None: ...


class Condition(Protocol):
    """A condition over one lock; every method but the context manager's needs that lock held."""

    def __enter__(self) -> object: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None, /
    ) -> bool | None: ...
    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        """Release the lock until `predicate()` holds (checked with the lock held) or `timeout` seconds passed."""
        ...

    def notify_all(self) -> None:
        """Wake every waiter; the caller's last access to the condition's owner is the unlock that follows."""
        ...


class Task(Protocol):
    """A spawned thread of control."""

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended, or for `timeout` seconds."""
        ...

    def is_alive(self) -> bool:
        """Return whether it has not ended."""
        ...


class Runtime(Protocol):
    """Everything that may run, block or tell the time."""

    def lock(self, name: str, rank: Rank) -> Lock:
        """Make a lock."""
        ...

    def condition(self, name: str, rank: Rank) -> Condition:
        """Make a condition with a lock of its own."""
        ...

    def spawn(self, run: Callable[[], None], name: str) -> Task:
        """Start `run` in a task of its own; OSError or RuntimeError when no thread can be started."""
        ...

    def me(self) -> int:
        """Return a number that no other task has while this one runs."""
        ...

    def interruptible(self) -> bool:
        """Return whether what a signal handler raises may land in the calling task."""
        ...

    def shielded(self, run: Callable[[Interrupts], T], lost: Callable[[T], object] | None = None) -> T:
        """Do `run` where nothing lands that a signal handler raises, which is raised after the end.

        A second exception is raised at once; `run` looks at its argument to learn of either. `lost` gets a result in
        the place of which an exception is raised. No lock may be held.
        """
        ...

    def now(self) -> float:
        """Seconds since boot by a clock that never goes back; those of a suspend count, as in the driver's ac_time."""
        ...


class BootClock:
    """Seconds since boot, those included for which the system was suspended.

    Attributes:
        running: A clock that stands still during a suspend. Reading it costs half as much: it takes no argument.
    """

    __slots__ = ()
    running: "staticmethod[[], float]" = staticmethod(time.monotonic)

    def __call__(self) -> float:
        """Return the present second."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)


def clock_since_boot() -> Callable[[], float]:
    """Return a `BootClock`; where the system has no such clock, one that stands still during a suspend."""
    clock = BootClock()
    with suppress(AttributeError, OSError):  # unknown to this system's Python, or to the kernel or sandbox below
        clock()
        return clock
    return time.monotonic


class WholeLock:
    """A lock that no exception of a signal handler leaves taken: it lands before it is taken, or inside the `with`.

    From Python 3.14 on a `with` calls `__enter__` as any function is called, and after a call of what is not written in
    Python handlers run: a lock of the system's is taken by then, and nothing is there yet to release it. Here the call
    is of a Python function, after which none run, and the last thing it does to take the lock is no call.
    """

    __slots__ = ("__exit__", "__weakref__", "_lock", "_takes", "acquire", "locked", "release")

    def __init__(self) -> None:
        lock = threading.Lock()
        self._lock: Final = lock
        self._takes: Final = iter(lock.acquire, None)
        self.acquire: Final = lock.acquire
        self.release: Final = lock.release
        self.locked: Final = lock.locked
        # Not written in Python, or handlers would run as it begins.
        self.__exit__: Final = lock.__exit__

    def __enter__(self) -> None:
        for _ in self._takes:  # which takes it, in a step that is no call
            return


HANDLERS_BEFORE_BODY: Final = sys.version_info >= (3, 14)
"""True if handlers of signals may run when a lock of the system's is taken, before the body of the `with`."""


def native_lock() -> "WholeLock | threading.Lock":
    """Make a lock for calls that the main thread makes."""
    return WholeLock() if HANDLERS_BEFORE_BODY else threading.Lock()


class ThreadRuntime:
    """Native threads and locks. Threads are daemons, so an abandoned hung device cannot keep a process alive."""

    def lock(self, name: str, rank: Rank) -> Lock:
        """Return a native lock; name and rank are for runtimes that check the order."""
        del name, rank
        return native_lock()

    def condition(self, name: str, rank: Rank) -> Condition:
        """Return a `threading.Condition` over a plain lock."""
        del name, rank
        return threading.Condition(threading.Lock())

    def spawn(self, run: Callable[[], None], name: str) -> Task:
        """Start a daemon thread."""
        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        return thread

    me: "staticmethod[[], int]" = staticmethod(threading.get_ident)

    def interruptible(self) -> bool:
        """Return whether this is the main thread: the one that Python runs the handlers of signals in."""
        return interruptible()

    def shielded(self, run: Callable[[Interrupts], T], lost: Callable[[T], object] | None = None) -> T:
        """Do `run` in a thread of its own when this is the main thread, else here."""
        if not interruptible():
            return run(Interrupts())
        try:
            return shielded(start_thread, run, lost)
        except NoThreadError:
            return held_back(run, lost)

    # Itself, not a method that calls it: access times look for the attribute.
    now: "staticmethod[[], float]" = staticmethod(clock_since_boot())


class UnshieldedRuntime(ThreadRuntime):
    """Native threads and locks where no signal handler raises: every call is done where it is made."""

    def interruptible(self) -> bool:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        """Return False."""
        return False

    def shielded(  # type: ignore[explicit-override]  # likewise
        self, run: Callable[[Interrupts], T], lost: Callable[[T], object] | None = None
    ) -> T:
        """Do `run` here."""
        return run(Interrupts())
