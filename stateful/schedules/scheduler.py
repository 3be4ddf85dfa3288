"""A cooperative Runtime: one task at a time, in the order the policy picks.

Tasks are greenlets or threads (`carriers`), of which only the one with the baton runs; it hands the baton on at a
scheduling point. Points are before every lock, at every wait and, where a test wants it, before a call of the backing
device and before a lock-free read: between two points a task touches nothing that is shared. The policy is asked only
where another task can run, and only before a step that touches what several tasks touch; all other points are passed.

Time stands still: a wait with a time-out ends early only when no task can run, which is a finding unless time may pass.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple, TypeVar

from spec.processes import interrupts
from stateful.common.carriers import Carrier, Carriers, Greenlets
from stateful.schedules.primitives import (
    FREE,
    OutOfOrderError,
    ScheduledCondition,
    ScheduledLock,
    ScheduledTask,
    TaskInterrupt,
    Waitable,
    all_done,
    shielded,
)
from zram_impl.runtime import Rank
from zram_impl.shield import Interrupts

T = TypeVar("T")

__all__ = [
    "OutOfOrderError",
    "Policy",
    "ScheduledRuntime",
    "ScheduledTask",
    "SchedulingChoice",
    "StuckError",
    "preemptions",
]


class SchedulingChoice(NamedTuple):
    """One decision of a schedule."""

    taken: int
    """Position among the tasks that could run: 0 is the one that ran last, if it could."""
    options: int
    preempts: bool
    """True when the task that ran last could have continued, so that any other choice is a preemption."""


_choice: Final = cache(SchedulingChoice)
"""Makes choices; there are few different ones."""

Policy = Callable[[Sequence[int], bool], int]
"""Gets the numbers of the tasks that can run and whether the first is the one that ran last; returns a position."""


class StuckError(AssertionError):
    """No task can run, and some are not done; or only time would help; or there is no end."""


class _Aborted(BaseException):
    """The run is over; unwind."""


def from_outside(error: BaseException | None) -> BaseException | None:
    """Return what a signal handler has raised, also if that led to other errors on its way out of a task."""
    while isinstance(error, (Exception, GeneratorExit, _Aborted, TaskInterrupt)):
        error = error.__context__
    return error


class ScheduledRuntime:
    """Implements `Runtime`. Outside of `run` nothing is scheduled, and no call may have to wait.

    Attributes:
        schedule: The choices there were.
        trace: (task, what it was about to touch) for every point.
        shared: Names of what several tasks touch; None for everything.
        steady: Tasks run until they have to wait, without choices: for setting up and checking.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        shared: Collection[str] | None = None,
        most_points: int = 100_000,
        time_may_pass: bool = False,
        releasing: Mapping[str, Callable[[], None]] | None = None,
        carriers: Carriers | None = None,
    ) -> None:
        """Make a runtime for one run.

        Args:
            policy: Picks the next task.
            shared: Names of what several tasks touch; None for everything. Elsewhere there is no choice.
            most_points: A run with more points counts as endless.
            time_may_pass: Whether a wait with a time-out may end a standstill.
            releasing: Called, by the name of a lock, before it is released.
            carriers: Of the tasks; greenlets unless they are given.
        """
        self.schedule: list[SchedulingChoice] = []
        self.trace: list[tuple[str, str]] = []
        self.steady = False
        self.error: BaseException | None = None
        self._outside: BaseException | None = None
        self._policy = policy
        self.shared = shared
        self._most_points = most_points
        self._time_may_pass = time_may_pass
        self._releasing = releasing or {}
        self._carriers = carriers or Greenlets()
        self._live: list[ScheduledTask] = []
        self._spawned = 0
        self._main: ScheduledTask | None = None
        self.current: ScheduledTask | None = None
        """The task that has the baton."""

    # --- what production code sees ---------------------------------------------------------------------------------

    def lock(self, name: str, rank: Rank) -> ScheduledLock:
        """Make a lock whose order is checked."""
        return ScheduledLock(self, name, rank, self._releasing.get(name))

    def condition(self, name: str, rank: Rank) -> ScheduledCondition:
        """Make a condition with a lock of its own."""
        return ScheduledCondition(self, name, rank, self._releasing.get(name))

    def spawn(self, run: Callable[[], None], name: str) -> ScheduledTask:
        """Start a task. Its parent keeps running: until its next point it does nothing that another task could see."""
        assert self.current is not None, "tasks are started in a run"
        assert self._main is not None, "a run has a main task"
        self._spawned += 1
        task = ScheduledTask(self, self._spawned, name)
        task.carrier = self._carriers.start(self._main.carrier, lambda: self._body(task, run))
        self._live.append(task)
        return task

    def interruptible(self) -> bool:
        """Return whether an interrupt may be sent to the calling task."""
        task = self.current
        return task is not None and task.may_be_interrupted and task.noted is None

    def shielded(self, run: Callable[[Interrupts], T], lost: Callable[[T], object] | None = None) -> T:
        """Do `run` in a task of its own when an interrupt may be sent to the one that runs, else here."""
        task = self.current
        if task is None or not task.may_be_interrupted or task.noted is not None:  # as `interruptible`, without a call
            return run(Interrupts())
        return shielded(self, task, run, lost)

    def name_of(self, number: int) -> str:
        """Return the name of a task that is not done, as a policy has its number."""
        return next(task.name for task in self._live if task.number == number)

    def me(self) -> int:
        """Return the number of the task that runs, -1 outside of a run."""
        return self.current.number if self.current is not None else -1

    def now(self) -> float:
        """Time stands still."""
        return 0.0

    def point(self, where: str) -> None:
        """Be at a point before `where` is touched; does nothing outside of a run."""
        if self.current is not None:
            self.stop(where, FREE)

    def join_all(self, tasks: Sequence[ScheduledTask]) -> None:
        """Wait until all of `tasks` are done, in one wait."""
        self.stop("join", all_done(tasks))

    def interrupt(self, task: ScheduledTask) -> None:
        """Raise a TaskInterrupt at the point where `task` stands, as soon as it runs."""
        if task.noted is not None:
            task.held_back = True
            task.noted()
            return
        task.interrupted = True
        task.gate = FREE

    def stop(self, where: str, gate: Waitable, *, timed: bool = False) -> bool:
        """Be at a point before `where` is touched; return when it is this task's turn and `gate` is free.

        Returns:
            False when time had to pass instead.
        """
        me = self.current
        assert me is not None, f"nothing to wait for outside of a run: {where}"
        if self.error is not None:
            raise _Aborted
        trace = self.trace
        trace.append((me.name, where))
        if len(trace) > self._most_points:
            raise StuckError(f"a_run_ends: no end after {self._most_points} points")
        if gate.owner is None and (
            self.steady or not me.started or (self.shared is not None and where not in self.shared)
        ):
            me.started = True
            return True
        me.at, me.gate, me.timed, me.timed_out, me.started = where, gate, timed, False, True
        following = self._choose(me)
        if following is not me:
            if following is None:
                raise _Aborted
            following.carrier.resume()
            me.carrier.wait()
            if self.error is not None:
                raise _Aborted
        me.gate = FREE
        if me.interrupted:
            me.interrupted = False
            raise TaskInterrupt
        return not me.timed_out

    # --- running ---------------------------------------------------------------------------------------------------

    def run(self, main: Callable[[], None]) -> None:
        """Run `main` and everything it spawns to the end; raise what any of them raised, or the finding.

        A signal to a command ends the run at its next point, and its exception is raised here: in truth a task is a
        thread of the device's, where no handler ever raises, so its code need not be ready for it anywhere.
        """
        before, interrupts.taker = interrupts.taker, self._take
        try:
            self._run(main)
        finally:
            interrupts.taker = before
            if self._outside is not None:
                raise self._outside

    def _run(self, main: Callable[[], None]) -> None:
        me = self._main = self.current = ScheduledTask(self, 0, "main")
        me.carrier = self._carriers.main()
        me.started = True
        self._live = [me]
        try:
            main()
        except BaseException as error:  # raised again below, for the caller
            noted = self.error is not None
            self._note(error)
            if not noted and self.current is not me:  # interrupted from outside: the task with the baton hands it back
                me.carrier.wait()
        self._live.remove(me)
        following = self._choose(None) if self.error is None else None
        if following is not None:
            following.carrier.resume()
            me.carrier.wait()
        for task in list(self._live):
            task.carrier.resume()
            while task.owner is not None and not task.carrier.ended():
                me.carrier.wait()
        me.done()
        self.current = None
        if self.error is not None:
            raise self.error

    def _body(self, task: ScheduledTask, run: Callable[[], None]) -> Carrier:
        """Do what a task is for; return the carrier of the task that follows its end."""
        try:
            if self.error is None:
                run()
        except BaseException as error:  # raised by `run`
            self._note(error)
        task.done()
        self._live.remove(task)
        following = self._choose(None) if self.error is None else None
        assert self._main is not None, "a task is spawned in a run"
        return (following or self._main).carrier

    def _take(self, error: BaseException) -> bool:
        """Take what a signal's handler would raise, if it is the first: another one lands where it arrives."""
        taken = self._outside is None
        if taken:
            self._outside = error
            self._note(error)
        return taken

    def _note(self, error: BaseException) -> None:
        """Keep what ends the run: what a signal handler has raised in a task, else what was raised first."""
        self.error = from_outside(error) or self.error or error

    def _choose(self, me: ScheduledTask | None) -> ScheduledTask | None:
        """Choose the next task and make it the current one; None when no task can run."""
        can_run = me is not None and me.gate.owner is None
        ready = [me] if me is not None and can_run else []
        # Most wait for nothing, which is known without a look at what they wait for.
        ready += [task for task in self._live if (task.gate is FREE or task.gate.owner is None) and task is not me]
        options = len(ready)
        if options == 1 or (options and self.steady):
            self.current = ready[0]
        elif options:
            taken = self._policy([task.number for task in ready], can_run)
            self.schedule.append(_choice(taken, options, can_run))
            self.current = ready[taken]
        else:
            self.current = self._let_time_pass()
        return self.current

    def _let_time_pass(self) -> ScheduledTask | None:
        timed = [task for task in self._live if task.timed]
        if timed and self._time_may_pass:
            first = min(timed, key=lambda task: task.waited)  # in turns, so that no task starves
            first.timed_out, first.timed, first.gate, first.waited = True, False, FREE, len(self.trace)
            return first
        if self._live:
            said = "; ".join(f"{t.name} waits at {t.at}{' until time passes' if t.timed else ''}" for t in self._live)
            self.error = StuckError(f"nobody_waits_without_a_waker: {said}")
        return None


def preemptions(schedule: Sequence[SchedulingChoice]) -> int:
    """Count the preemptions of a schedule."""
    return sum(choice.preempts and choice.taken > 0 for choice in schedule)
