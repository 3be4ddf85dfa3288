"""Driving a pass to its end, with progress, cancellation and interrupts.

A Ctrl-C must not land inside a critical section. Python delivers it to the main thread, so there the pass is driven by
a worker and the caller only waits; an interrupt cancels the pass and the caller goes on waiting for what is in flight.
"""

from collections.abc import Callable
from errno import EINVAL
from threading import Event
from typing import Final, Protocol, TypeVar

from zram_impl.errors import refuse, shown
from zram_impl.passes.writeback import Progress
from zram_impl.runtime import Rank, Runtime

ProgressCallback = Callable[[int, int], None]

_PATIENCE: Final = 0.1
"""Seconds after which a waiting caller looks up: a signal that arrives just before it blocks does not wake it."""


Result_co = TypeVar("Result_co", covariant=True)


class Pass(Protocol[Result_co]):
    """A pass of either kind, as who drives it sees it.

    Attributes:
        abandoned: Nobody is to wait for it any more.
    """

    abandoned: bool

    @property
    def result(self) -> Result_co:
        """What it did, final once it is over."""
        ...

    @property
    def selected(self) -> int:
        """Pages claimed so far."""
        ...

    @property
    def settled(self) -> int:
        """Of these, pages done with."""
        ...

    def advance(self) -> Progress:
        """Go on as far as possible without waiting."""
        ...

    def wait(self) -> None:
        """Wait a while, after `advance` said WAIT."""
        ...

    def cancel(self) -> None:
        """Begin nothing more."""
        ...


def check_watchers(progress: ProgressCallback | None, cancel: Event | None) -> None:
    """Refuse, with EINVAL, what cannot be called or looked at, before a pass begins."""
    if progress is not None and not callable(progress):
        raise refuse(EINVAL, f"progress {shown(progress)} cannot be called")
    if cancel is not None and not callable(getattr(cancel, "is_set", None)):
        raise refuse(EINVAL, f"cancel {shown(cancel)} is not an event")


def drive(
    running: Pass[Result_co], runtime: Runtime, progress: ProgressCallback | None, cancel: Event | None
) -> Result_co:
    """Drive `running` to its end and return its result; re-raises what `progress` raises, after the end."""
    if not runtime.interruptible():
        return _run(running, progress, cancel)
    worker = _Worker(running, runtime, progress, cancel)
    try:
        task = runtime.spawn(worker.run, "zram pass")
    except (OSError, RuntimeError):  # no thread can be started: then an interrupt has to be waited out
        with runtime.uninterrupted(running.cancel):
            return _run(running, progress, cancel)
    except KeyboardInterrupt:  # whether the worker was started nobody can say, so the pass is brought to its end here
        running.cancel()
        with runtime.uninterrupted(running.cancel):
            _run(running, None, None)
        raise
    interrupted = None
    while not worker.finished:
        try:
            while not worker.finished:
                worker.wait()
        except KeyboardInterrupt as error:
            if interrupted is not None:
                running.abandoned = True  # the second one: a hung device is not waited for, by nobody
                raise
            interrupted = error
            running.cancel()
    task.join()
    if interrupted is not None:
        raise interrupted
    if worker.failure is not None:
        raise worker.failure
    return running.result


def _run(running: Pass[Result_co], progress: ProgressCallback | None, cancel: Event | None) -> Result_co:
    failure: BaseException | None = None
    while True:
        try:
            if cancel is not None and failure is None and cancel.is_set():
                running.cancel()
        except BaseException as error:  # the caller's, too
            failure = error
            running.cancel()
        came_to = running.advance()
        if came_to is Progress.DONE:
            break
        if came_to is Progress.WAIT:
            running.wait()
        elif progress is not None and failure is None:
            try:
                progress(running.settled, running.selected)
            except BaseException as error:  # the caller's: told after the pass is over
                failure = error
                running.cancel()
    if failure is not None:
        raise failure
    return running.result


class _Worker:
    """A pass driven by a task of its own."""

    def __init__(
        self, running: Pass[object], runtime: Runtime, progress: ProgressCallback | None, cancel: Event | None
    ) -> None:
        # Guards `finished` and `failure`.
        self._over = runtime.condition("pass over", Rank.ENGINE)
        self._running, self._progress, self._cancel = running, progress, cancel
        self.finished = False
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Drive the pass; whatever happens, the caller is woken."""
        failure: BaseException | None = None
        try:
            _run(self._running, self._progress, self._cancel)
        except BaseException as error:  # raised again in the caller
            failure = error
        with self._over:
            self.finished, self.failure = True, failure
            self._over.notify_all()

    def wait(self) -> None:
        """Wait a while for the pass to be over."""
        # Not a join: before 3.13, one that is interrupted takes the running thread for ended.
        with self._over:
            self._over.wait_for(lambda: self.finished, _PATIENCE)
