"""A runtime whose clock stands still, and whose one task, a device's keeper, runs only while it is stepped."""

from collections.abc import Callable
from types import TracebackType
from typing import Final

from stateful.lockstep.stepped_thread import SteppedThread
from zram_impl.runtime import Condition, Rank, UnshieldedRuntime

ROOM: Final = "room"
"""The condition at which writers wait for a keeper."""
WAIT_SECONDS: Final = 0.1
"""Time that passes whenever somebody waits there, or a patient writer would wait for ever."""


class SteppedRuntime(UnshieldedRuntime):
    """A clock that stands still until somebody lets time pass or waits for room, and a task that stops where it waits.

    Attributes:
        seconds: The time.
        task: The task that was spawned last; it has not begun until it is stepped.
        while_waiting: Called, without a lock, when somebody else waits for that task.
    """

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.now = lambda: self.seconds
        self.task: SteppedThread | None = None
        self.while_waiting: Callable[[], None] = lambda: None

    def spawn(self, run: Callable[[], None], name: str) -> SteppedThread:  # type: ignore[explicit-override]  # typing: 3.12
        """Return a task that waits to be stepped."""
        self.task = SteppedThread(run, name)
        return self.task

    def condition(self, name: str, rank: Rank) -> Condition:  # type: ignore[explicit-override]  # likewise
        """Make a condition at which the task stops."""
        return SteppedCondition(super().condition(name, rank), name, self)


class SteppedCondition:
    """A condition whose waits nobody is held up by: they last a step, or until they time out at once."""

    def __init__(self, plain: Condition, name: str, runtime: SteppedRuntime) -> None:
        self._plain, self._name, self._runtime = plain, name, runtime

    def __enter__(self) -> object:
        return self._plain.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None
    ) -> bool | None:
        return self._plain.__exit__(kind, value, where)

    def notify_all(self) -> None:
        """Wake every waiter."""
        self._plain.notify_all()

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        """Release the lock for one step: of others if the task waits here, of the task if somebody waits for it."""
        task = self._runtime.task
        if task is None or predicate() or not (task.is_current or self._name == ROOM):
            return self._plain.wait_for(predicate, timeout)
        self.__exit__(None, None, None)
        try:
            if task.is_current:
                task.stop(self._name)
            else:
                self._runtime.seconds += WAIT_SECONDS
                self._runtime.while_waiting()
        finally:
            self.__enter__()
        return predicate()
