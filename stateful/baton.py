"""A runtime under which production code runs one task at a time, in an order that somebody else chooses.

Tasks are real threads that pass a baton: whoever has it runs, and hands it on at a scheduling point. There is one
before every lock, at every wait, before every call of the backing device and at every start of a task: between two of
them a task touches nothing that is shared, but for the lock-free reads, which are points of their own in the device.
Time stands still: a wait with a time-out ends early only when nobody else can go on.
"""

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, NamedTuple

from zram_impl.runtime import Condition, Lock, Rank, Task


class Choice(NamedTuple):
    """One decision of a schedule."""

    taken: int
    """Position among those who could go on: 0 is whoever ran last, if it could."""
    options: int
    preempts: bool
    """Whether whoever ran last could have gone on, so that any other choice is a preemption."""


Policy = Callable[[Sequence[int], bool], int]
"""Gets the numbers of the tasks that can go on and whether the first is whoever ran last; returns whose turn it is."""


class StuckError(AssertionError):
    """Nobody can go on, and not everybody is done."""


class OutOfOrderError(AssertionError):
    """A lock was taken against the order of ranks."""


class _Aborted(BaseException):
    """The run is over; unwind."""


class _Worker:
    """A thread that is lent to one task after another: starting one costs more than a whole schedule."""

    def __init__(self) -> None:
        self.baton = threading.Lock()
        self.baton.acquire()
        self.job: Callable[[], None] = lambda: None
        threading.Thread(target=self._serve, name="baton", daemon=True).start()

    def _serve(self) -> None:
        while True:
            self.baton.acquire()
            self.job()


_IDLE: Final[list[_Worker]] = []


class _Task:
    """A task of a run."""

    def __init__(self, runtime: "BatonRuntime", number: int, name: str) -> None:
        self.number = number
        self.name = name
        self.done = False
        self.blocked: Callable[[], bool] | None = None
        """What has to hold before it can go on."""
        self.timed = False
        self.timed_out = False
        self.notified = False
        self.at = "start"
        self.held: list[Rank] = []
        self.worker = _IDLE.pop() if _IDLE else _Worker()
        self._runtime = runtime

    def join(self, timeout: float | None = None) -> None:
        """Wait until it is done."""
        self._runtime.block("join", lambda: self.done, timed=timeout is not None)

    def is_alive(self) -> bool:
        """Return whether it is not done."""
        return not self.done


class BatonRuntime:
    """Implements `Runtime`. Outside of `run` nothing is controlled: whoever calls then must not have to wait."""

    def __init__(self, policy: Policy, most_points: int = 100_000) -> None:
        self.schedule: list[Choice] = []
        self.trace: list[tuple[str, str]] = []
        """(task, where it stopped) at every point."""
        self.error: BaseException | None = None
        self.steady = False
        """Whether everybody runs until it has to wait, without choices: for what comes before the part that matters."""
        self._policy = policy
        self._most_points = most_points
        self._tasks: list[_Task] = []
        self._current: _Task | None = None
        self._aborting = False
        self._finished = threading.Lock()

    # --- what production code sees ---------------------------------------------------------------------------------

    def lock(self, name: str, rank: Rank) -> Lock:
        """Make a lock whose order is checked."""
        return _Lock(self, name, rank)

    def condition(self, name: str, rank: Rank) -> Condition:
        """Make a condition with a lock of its own."""
        return _Condition(self, name, rank)

    def spawn(self, run: Callable[[], None], name: str) -> Task:
        """Start a task; whether it or its parent goes on is a choice."""
        task = _Task(self, len(self._tasks), name)
        task.worker.job = lambda: self._body(task, run)
        self._tasks.append(task)
        if self._current is not None:
            self.point("spawn")
        return task

    def interruptible(self) -> bool:
        """No signals here."""
        return False

    def now(self) -> float:
        """Time stands still."""
        return 0.0

    def point(self, where: str) -> None:
        """Let somebody else go on, perhaps; does nothing outside of a run."""
        if self._current is not None:
            self._switch(where)

    def block(self, where: str, until: Callable[[], bool], *, timed: bool = False) -> bool:
        """Wait until `until()`; False when time had to pass instead."""
        task = self._current
        if task is None:
            assert until(), f"nothing to wait for outside of a run: {where}"
            return True
        task.blocked, task.timed, task.timed_out = until, timed, False
        self._switch(where)
        task.blocked = None
        return not task.timed_out

    @property
    def current(self) -> _Task | None:
        """Whoever has the baton."""
        return self._current

    # --- running ---------------------------------------------------------------------------------------------------

    def run(self, main: Callable[[], None]) -> None:
        """Run `main` and everything it spawns to the end; raises what any of them raised, or what was found."""
        self._finished.acquire()
        self.spawn(main, "main")
        self._pass_on(None)
        self._finished.acquire()
        self._aborting = True
        for task in self._tasks:
            if not task.done:
                task.worker.baton.release()
                self._finished.acquire()
        self._current = None
        if self.error is not None:
            raise self.error

    def _body(self, task: _Task, run: Callable[[], None]) -> None:
        try:
            if not self._aborting:
                run()
        except _Aborted:
            pass
        except BaseException as error:  # told to whoever called `run`
            if self.error is None:
                self.error = error
        task.done = True
        _IDLE.append(task.worker)
        self._pass_on(None)

    def _switch(self, where: str) -> None:
        me = self._current
        assert me is not None, "only whoever has the baton passes it on"
        if self._aborting:
            raise _Aborted
        me.at = where
        self.trace.append((me.name, where))
        if self._pass_on(me):
            return
        me.worker.baton.acquire()
        if self._aborting:
            raise _Aborted

    def _pass_on(self, me: _Task | None) -> bool:
        """Choose who goes on; True when it is `me`, who then simply returns."""
        if self._aborting or self.error is not None:
            self._finished.release()
            return False
        following = self._choose(me)
        if following is None:
            self._finished.release()
            return False
        self._current = following
        if following is me:
            return True
        following.worker.baton.release()
        return False

    def _choose(self, me: _Task | None) -> _Task | None:
        ready = [t for t in self._tasks if not t.done and (t.blocked is None or t.blocked())]
        if not ready:
            return self._let_time_pass()
        if len(self.trace) > self._most_points:
            self.error = StuckError(f"no end after {self._most_points} points")
            return None
        if len(ready) == 1:
            return ready[0]
        can_go_on = me in ready
        if can_go_on:
            assert me is not None, "it is in the list"
            ready.remove(me)
            ready.insert(0, me)
        if self.steady:
            return ready[0]
        taken = self._policy([task.number for task in ready], can_go_on)
        self.schedule.append(Choice(taken, len(ready), can_go_on))
        return ready[taken]

    def _let_time_pass(self) -> _Task | None:
        waiting = [task for task in self._tasks if not task.done]
        for task in waiting:
            if task.timed:
                task.timed_out, task.timed = True, False
                return task
        if waiting:
            self.error = StuckError("; ".join(f"{task.name} waits at {task.at}" for task in waiting))
        return None


class _Lock:
    """A lock of a controlled run."""

    def __init__(self, runtime: BatonRuntime, name: str, rank: Rank) -> None:
        self.owner: object = None
        self._runtime, self._name, self._rank = runtime, name, rank

    def __enter__(self) -> object:
        self._runtime.point(f"lock {self._name}")
        self.take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None
    ) -> None:
        self.give()

    def take(self) -> None:
        """Take it, waiting if somebody has it."""
        task = self._runtime.current
        if task is not None and task.held and task.held[-1] >= self._rank:
            raise OutOfOrderError(
                f"{task.name} takes lock {self._name} of rank {self._rank!r} while holding {task.held}"
            )
        if self.owner is not None:
            self._runtime.block(f"wait for lock {self._name}", lambda: self.owner is None)
        self.owner = task or self
        if task is not None:
            task.held.append(self._rank)

    def give(self) -> None:
        """Give it back."""
        self.owner = None
        task = self._runtime.current
        if task is not None and task.held:
            task.held.pop()


class _Condition(_Lock):
    """A condition of a controlled run; a wait that nobody wakes is a finding."""

    def __init__(self, runtime: BatonRuntime, name: str, rank: Rank) -> None:
        super().__init__(runtime, name, rank)
        self._waiters: list[_Task] = []

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until somebody notifies and `predicate()` holds."""
        while not predicate():
            task = self._runtime.current
            assert task is not None, f"nothing to wait for outside of a run: {self._name}"
            task.notified = False
            self._waiters.append(task)
            self.give()
            in_time = self._runtime.block(f"wait {self._name}", self._woken(task), timed=timeout is not None)
            self.take()
            if not in_time:
                return predicate()
        return True

    def _woken(self, task: _Task) -> Callable[[], bool]:
        return lambda: task.notified and self.owner is None

    def notify_all(self) -> None:
        """Wake everybody who waits."""
        for task in self._waiters:
            task.notified = True
        self._waiters.clear()


def preemptions(schedule: Sequence[Choice]) -> int:
    """Count the preemptions of a schedule."""
    return sum(choice.preempts and choice.taken > 0 for choice in schedule)
