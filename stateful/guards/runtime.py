"""A controlled runtime with a judge, with points at lock-free accesses, and with a clock that runs."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final

from stateful.guards.judge import Judge
from stateful.guards.table import LOCKS
from stateful.schedules.primitives import ScheduledCondition, ScheduledLock, ScheduledTask, TaskInterrupt, Waitable
from stateful.schedules.scheduler import ScheduledRuntime, StuckError
from zram_impl.runtime import Rank

TASKS_MOST: Final = 32
"""Tasks of a run."""
TICK: Final = 0.3
"""Seconds that pass whenever somebody looks at the clock."""
TIMES_MOST: Final = 40
"""Waits of a run that time may end: more than a device that hangs is given in all."""


class GuardedLock(ScheduledLock):
    """A lock that the judge knows of."""

    judge: Judge

    def __enter__(self) -> object:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        taken = super().__enter__()
        self.judge.acquired(self)
        return taken

    def __exit__(  # type: ignore[explicit-override]  # typing: 3.12
        self,
        kind: type[BaseException] | None = None,
        value: BaseException | None = None,
        where: TracebackType | None = None,
    ) -> None:
        self.judge.releasing(self, self._name)
        super().__exit__()
        self.judge.released()


class GuardedCondition(GuardedLock, ScheduledCondition):
    """A condition that the judge knows of."""

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:  # type: ignore[explicit-override]  # typing: 3.12
        """Wait as declared."""
        self.judge.waiting(self, self._name, timed=timeout is not None)
        task = self._runtime.current

        def look() -> bool:
            self.judge.acquired(self)
            if found := predicate():
                return found
            # The lock is held until the task sleeps, so nobody notifies in between.
            self.judge.sleeps(task, self._name, predicate)
            return found

        try:
            return super().wait_for(look, timeout)
        finally:
            if task is not None:
                self.judge.wakes(task)
            self.judge.acquired(self)

    def notify_all(self) -> None:  # type: ignore[explicit-override]  # typing: 3.12
        """Wake everybody who waits."""
        self.judge.notified(self, self._name)
        for task in self._waiters:
            self.judge.wakes(task)
        super().notify_all()


class GuardedRuntime(ScheduledRuntime):
    """Runs tasks for a judge.

    Attributes:
        judge: Set before the first lock is made.
        points: Points that each task has been at, by its number.
        unlocked: The points at which each task held no lock, by its number.
        clock: Seconds.
        tick: Seconds that pass whenever somebody looks.
    """

    judge: Judge
    points: Sequence[int]
    clock = 0.0
    tick = TICK
    times_passed = 0
    """Waits that time has ended."""

    def begin(self, judge: Judge) -> None:
        """Be judged; called once, before anything else."""
        self.judge = judge
        self._counts = self.points = [0] * TASKS_MOST
        self.unlocked = defaultdict[int, list[int]](list)
        self._begun: list[ScheduledTask] = []
        judge.begin(self)

    def count_anew(self) -> None:
        """Forget how many points each task has been at."""
        self._counts[:] = [0] * TASKS_MOST
        self.unlocked.clear()

    def look(self, where: str) -> None:
        """Be at a point before a lock-free access. An interrupt is put off to the next lock or wait."""
        try:
            self.point(where)
        except TaskInterrupt:
            assert self.current is not None, "it is a task that is interrupted"
            self.current.interrupted = True

    def lock(self, name: str, rank: Rank) -> ScheduledLock:  # type: ignore[explicit-override]  # typing: 3.12
        """Make a lock."""
        made = GuardedLock(self, name, rank, self._unseen(name))
        self._noted(made, name)
        return made

    def condition(self, name: str, rank: Rank) -> ScheduledCondition:  # type: ignore[explicit-override]  # typing: 3.12
        """Make a condition with a lock of its own."""
        made = GuardedCondition(self, name, rank, self._unseen(name))
        self._noted(made, name)
        return made

    def _noted(self, made: GuardedLock, name: str) -> None:
        assert name in LOCKS, f"declared_locks: {name} is not in the table"
        made.judge = self.judge
        self.judge.made(made, name)

    def _unseen(self, name: str) -> Callable[[], None] | None:
        """Return the monitor that is called as a lock is released: it may look at the device without locks."""
        called = self._releasing.get(name)
        if called is None:
            return None

        def unseen() -> None:
            with self.judge.paused():
                called()

        return unseen

    def spawn(self, run: Callable[[], None], name: str) -> ScheduledTask:  # type: ignore[explicit-override]  # typing: 3.12
        """Start a task."""
        task = super().spawn(run, name)
        self._begun.append(task)
        self.judge.started(task)
        return task

    def stop(self, where: str, gate: Waitable, *, timed: bool = False) -> bool:  # type: ignore[explicit-override]  # typing: 3.12
        """Be at a point; the end of tasks happens before the return of a wait for it."""
        if self.current is not None:
            number = self.current.number
            self._counts[number] += 1
            if not self.current.held:
                self.unlocked[number].append(self._counts[number])
        in_time = super().stop(where, gate, timed=timed)
        if where == "join":
            self.judge.joined([task for task in self._begun if not task.is_alive()])
        return in_time

    def now(self) -> float:  # type: ignore[explicit-override]  # typing: 3.12
        """Return seconds; each look takes a while."""
        self.clock += self.tick
        return self.clock

    def _let_time_pass(self) -> ScheduledTask | None:  # type: ignore[explicit-override]  # typing: 3.12
        self.times_passed += 1
        if self.times_passed > TIMES_MOST and self.error is None:
            said = "; ".join(f"{task.name} waits at {task.at}" for task in self._live)
            self.error = StuckError(f"nobody_waits_without_a_waker: time has passed {TIMES_MOST} times: {said}")
            return None
        return super()._let_time_pass()
