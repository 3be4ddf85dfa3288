"""The shield of a controlled run: a call that an interrupt may land in is done by a task of its own.

As `zram_impl.shield`, with the points of the run in the place of the interpreter's: an interrupt arrives only where the
waiting task stands.
"""

from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from stateful.schedules.primitives import Condition, Task
from zram_impl.runtime import Rank
from zram_impl.shield import Interrupts

T = TypeVar("T")

_PATIENCE: Final = 0.1


class Spawning(Protocol):
    """What the shield needs of the runtime."""

    def condition(self, name: str, rank: Rank) -> Condition:
        """Make a condition with a lock of its own."""
        ...

    def spawn(self, run: Callable[[], None], name: str) -> Task:
        """Start a task; OSError or RuntimeError when none can be started."""
        ...


class _Call(Generic[T]):
    """A call that a task does on behalf of another."""

    def __init__(self, runtime: Spawning, run: Callable[[Interrupts], T]) -> None:
        self.interrupts = Interrupts()
        # Guards `finished`.
        self._over = runtime.condition("pass over", Rank.ENGINE)
        self._run = run
        self.finished = False
        self.result: list[T] = []
        self.failure: BaseException | None = None

    def body(self) -> None:
        """Do the call; whatever happens, the waiting task is woken."""
        try:
            self.result.append(self._run(self.interrupts))
        except Exception as error:  # raised again in the caller
            self.failure = error
        with self._over:
            self.finished = True
            self._over.notify_all()

    def wait(self) -> None:
        """Wait a while for the end."""
        with self._over:
            self._over.wait_for(lambda: self.finished, _PATIENCE)

    def over(self) -> bool:
        """Return whether it has ended."""
        return self.finished

    def outcome(self) -> T:
        """Return the result, or raise the failure."""
        if self.failure is not None:
            raise self.failure
        return self.result[0]


def shielded(runtime: Spawning, task: Task, run: Callable[[Interrupts], T], lost: Callable[[T], object] | None) -> T:
    """Do `run` in a task of its own while `task`, the one that runs, waits; without one, hold interrupts back."""
    call = _Call(runtime, run)
    try:
        worker = runtime.spawn(call.body, "zram pass")
    except (OSError, RuntimeError):
        return _held_back(task, run, lost)
    interrupts: list[KeyboardInterrupt] = []
    while not call.over():
        try:
            while not call.over():
                call.wait()
            worker.join()
        except KeyboardInterrupt as error:
            if interrupts:
                call.interrupts.abandoned = True
                raise
            interrupts.append(error)
            call.interrupts.cancelled = True
    for interrupt in interrupts:
        if lost is not None and call.result:
            lost(call.result[0])
        raise interrupt
    return call.outcome()


def _held_back(task: Task, run: Callable[[Interrupts], T], lost: Callable[[T], object] | None) -> T:
    interrupts = Interrupts()

    def note() -> None:
        interrupts.abandoned, interrupts.cancelled = interrupts.cancelled, True

    task.noted, task.held_back = note, False
    try:
        result = run(interrupts)
    finally:
        task.noted = None
    if task.held_back:
        if lost is not None:
            lost(result)
        raise KeyboardInterrupt
    return result
