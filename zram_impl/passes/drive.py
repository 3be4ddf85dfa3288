"""Driving a pass to its end, with progress, cancellation and interrupts.

What a signal handler raises must not land inside a critical section, so the pass of the main thread is driven on the
shield (`Runtime.shielded`). An interrupt cancels the pass, and is raised when what was in flight has ended.
"""

from collections.abc import Callable
from threading import Event
from typing import Protocol, TypeVar

from zram_impl.errors import refuse_type, shown
from zram_impl.passes.base import PassProgress
from zram_impl.runtime import Runtime
from zram_impl.shield import Interrupts

ProgressCallback = Callable[[int, int], None]

Result_co = TypeVar("Result_co", covariant=True)


class Drivable(Protocol[Result_co]):
    """A pass of any kind, as its driver sees it.

    Attributes:
        abandoned: No driver is to wait for it any more.
    """

    abandoned: bool

    @property
    def result(self) -> Result_co:
        """Its account, final once it is over."""
        ...

    @property
    def selected(self) -> int:
        """Pages claimed so far."""
        ...

    @property
    def settled(self) -> int:
        """Pages of these that are settled."""
        ...

    def advance(self) -> PassProgress:
        """Do what can be done without waiting."""
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
        raise refuse_type(f"progress must be callable, got {shown(progress)}")
    if cancel is not None and not callable(getattr(cancel, "is_set", None)):
        raise refuse_type(f"cancel must be an event, got {shown(cancel)}")


def drive(
    begin: Callable[[Interrupts], Drivable[Result_co]],
    runtime: Runtime,
    progress: ProgressCallback | None,
    cancel: Event | None,
) -> Result_co:
    """Begin a pass and drive it to its end; return its result. Re-raises what `progress` raises, after the end."""
    return runtime.shielded(lambda interrupts: run_pass(begin(interrupts), interrupts, progress, cancel))


def run_pass(
    running: Drivable[Result_co], interrupts: Interrupts, progress: ProgressCallback | None, cancel: Event | None
) -> Result_co:
    """Drive `running` to its end where no exception of a signal handler lands, until `interrupts` says to give up."""
    failure: BaseException | None = None
    while True:
        try:
            if interrupts.cancelled or (cancel is not None and failure is None and cancel.is_set()):
                running.cancel()
        except BaseException as error:  # the caller's, too
            failure = error
            running.cancel()
        if interrupts.abandoned:
            running.abandoned = True  # never reset: another driver may have set it
        outcome = running.advance()
        if outcome is PassProgress.DONE:
            break
        if outcome is PassProgress.WAIT:
            running.wait()
        elif progress is not None and failure is None:
            try:
                progress(running.settled, running.selected)
            except BaseException as error:  # the caller's: raised after the pass is over
                failure = error
                running.cancel()
    if failure is not None:
        raise failure
    return running.result


def end_pass(running: Drivable[object]) -> None:
    """Cancel a pass that nobody holds any more, and drive it to its end."""
    running.cancel()
    run_pass(running, Interrupts(), None, None)
