"""Calls that no exception of a signal handler may land in: a thread does them while the caller waits.

CPython runs the handlers of signals in the main thread, between almost any two of its steps, and what a handler raises
comes out of whatever that thread was doing. So in the main thread a call of many steps is handed to a thread that no
handler runs in, and the main thread waits in one C call, which an exception leaves as it was.

Two things cannot be known when an exception arrives, and are decided instead:

- whether the thread has begun: there is one token, and popping it decides, the thread by beginning or the caller
  by seeing to it that nothing begins;
- whether the caller has the result: `taken` and `cancelled` are stored without a call in between, so no exception lands
  before the one or the other is stored, and the thread disposes of a result that nobody took.

Only the stores of `Interrupts` reach the thread, which looks at them as often as it can; so a second exception, raised
while the first is handled, finds nothing half done.
"""

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from errno import EINTR
from types import FrameType
from typing import Final, Generic, TypeVar

from zram_impl.errors import refuse

T = TypeVar("T")

PATIENCE: Final = 0.1
"""Seconds after which a waiting caller looks up, whether or not it was woken."""
_LINGER: Final = 0.001
"""Seconds between two looks at whether a result was taken, which takes the caller a few steps."""


class Interrupts:
    """The exceptions that the waiting caller met with, for the thread that works on its behalf.

    Attributes:
        cancelled: An exception has arrived, which is raised once the work has ended: begin nothing more.
        abandoned: A second one has, and nobody waits any more: do not wait for a device that does not answer.
    """

    __slots__ = ("abandoned", "cancelled")

    def __init__(self) -> None:
        self.cancelled: bool = False
        self.abandoned: bool = False


class NoThreadError(Exception):
    """No thread can be started."""


class _Work(Generic[T]):
    """A call, done by a thread on behalf of the main thread."""

    def __init__(self, run: Callable[[Interrupts], T], lost: Callable[[T], object] | None) -> None:
        self.interrupts = Interrupts()
        self.token = {0: True}
        self.finished = False
        self.taken = False
        self.result: list[T] = []
        self.failure: BaseException | None = None
        self.process = os.getpid()
        # Held until the end; the caller waits for it.
        self.over = _thread.allocate_lock()
        self.over.acquire()
        self._run = run
        self._lost = lost

    def body(self) -> None:
        """Do the call, unless the caller has popped the token."""
        if not self.token.pop(0, False):
            return
        sys.settrace(threading.gettrace())  # as `threading` does: for debuggers, and for what measures coverage
        self._work()

    def _work(self) -> None:
        me = _thread.get_ident()
        _acting_for[me] = threading.main_thread().name
        try:
            self.result.append(self._run(self.interrupts))
        except BaseException as error:  # raised again in the caller
            self.failure = error
        self.finished = True
        self.over.release()
        self._dispose()
        del _acting_for[me]
        _forget_stand_in(me)

    def wait(self) -> None:
        """Wait for the end, in the process that began it.

        A function of its own: Python 3.13 takes the step back to the condition of a loop for one outside of the `try`
        that the loop is in, and what a handler raises there would pass by who catches it.
        """
        while not self.finished and os.getpid() == self.process:
            self.over.acquire(True, PATIENCE)

    def take_failure(self) -> BaseException | None:
        """Return what `run` raised, and keep no reference to it: its traceback refers to this."""
        failure, self.failure = self.failure, None
        return failure

    def _dispose(self) -> None:
        """Give a result back that an exception took the place of."""
        if self._lost is None or not self.result:
            return
        while not self.taken:
            if self.interrupts.cancelled:
                self._lost(self.result.pop())
                return
            time.sleep(_LINGER)


_acting_for: Final[dict[int, str]] = {}
"""Name of the thread on whose behalf a shield's thread works, by its number."""


os.register_at_fork(after_in_child=_acting_for.clear)


def acting_for() -> str | None:
    """Return the name of the thread on whose behalf the calling one works; None when it is on its own."""
    return _acting_for.get(_thread.get_ident())


_holding: Final[list[bool]] = []
"""Not empty while the main thread holds back what handlers raise."""


def in_main_thread() -> bool:
    """Return whether this is the thread in which handlers of signals run."""
    # Not `current_thread`, which leaves a stand-in for every thread that `threading` did not start.
    return _thread.get_ident() == threading.main_thread().ident


def interruptible() -> bool:
    """Return whether what a handler raises may land in the calling thread, here and now."""
    return in_main_thread() and not _holding


def shielded(
    start: Callable[[Callable[[], None]], object],
    run: Callable[[Interrupts], T],
    lost: Callable[[T], object] | None = None,
) -> T:
    """Do `run` in a thread that `start` starts; raise the exception that arrives, once it has ended.

    Call it in the main thread. A second exception is raised at once, and the thread is left to itself. `lost` gets a
    result in the place of which an exception is raised.

    Raises:
        NoThreadError: `start` raised it; nothing has begun.
    """
    work = _Work(run, lost)
    try:
        start(work.body)
        work.wait()
        if work.finished and work.failure is None:
            result = work.result[0]
            work.taken = True  # no step between this and the return in which a handler could run
            return result
    except NoThreadError:
        raise
    except BaseException as interrupt:
        work.interrupts.cancelled = True  # before anything else, so that a second exception changes nothing
        if work.token.pop(0, False):
            raise
        try:
            work.wait()
        except BaseException:
            work.interrupts.abandoned = True
            raise
        raise interrupt from work.take_failure()
    failure = work.take_failure()
    if failure is not None:
        raise failure
    raise refuse(EINTR, "this process was forked in the middle of a call, which its parent does")


def raised_by_handler(error: OSError) -> bool:
    """Return whether a handler of a signal raised `error`, though the system or a device was being asked.

    What they answer has an errno, and no handler's frame in its traceback.
    """
    if error.errno is None:
        return True
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    codes = {code for each in handlers if (code := getattr(each, "__code__", None)) is not None}
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in codes:
            return True
        trace = trace.tb_next
    return False


def start_thread(body: Callable[[], None]) -> None:
    """Start a thread; NoThreadError when the system has no more."""
    try:
        # Not `threading.Thread`: an exception that arrives while that starts leaves it among the threads for good.
        _thread.start_new_thread(body, ())
    except RuntimeError as error:
        # What a handler raised is another thing. (The system's limit, and the end of the interpreter.)
        if not str(error).startswith(("can't start new thread", "can't create new thread")):
            raise
        raise NoThreadError from error


def _forget_stand_in(thread: int) -> None:
    """Forget the stand-in that `threading.current_thread` has made for a thread that it did not start."""
    # Python 3.13 does so itself; before, it would be among the threads for good.
    stand_ins: dict[int, object] = getattr(threading, "_active", {})
    stand_ins.pop(thread, None)


class _HeldBack:
    """The handlers of signals, each called as ever, but what it raises is kept for later."""

    def __init__(self) -> None:
        self.interrupts = Interrupts()
        self.failure: BaseException | None = None
        self.active = False
        self.handlers: dict[int, Callable[[int, FrameType | None], object]] = {}

    def note(self, number: int, frame: FrameType | None) -> None:
        """Call a handler. One that is still in force when nothing is held back any more changes nothing."""
        if not self.active:
            self.handlers[number](number, frame)
            return
        try:
            self.handlers[number](number, frame)
        except BaseException as error:  # raised at the end
            if self.interrupts.cancelled:
                self.interrupts.abandoned = True
            self.interrupts.cancelled = True
            self.failure = self.failure or error


def held_back(run: Callable[[Interrupts], T], lost: Callable[[T], object] | None = None) -> T:
    """Do `run` here, where handlers run, for want of a thread; raise what they raise once it has ended."""
    held = _HeldBack()
    try:
        for number in signal.valid_signals():
            handler = signal.getsignal(number)
            if callable(handler):
                held.handlers[number] = handler
                signal.signal(number, held.note)
        try:
            held.active = True
            _holding.append(True)
            result = run(held.interrupts)
        finally:
            del _holding[:]
            held.active = False
    finally:
        for signal_number, before in held.handlers.items():
            signal.signal(signal_number, before)
    if held.failure is not None:
        if lost is not None:
            lost(result)
        raise held.failure
    return result
