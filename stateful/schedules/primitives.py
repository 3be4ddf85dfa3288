"""Synchronisation of scheduled tasks: locks, conditions, joins. A waitable is free when it has no owner."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Generic, Protocol, TypeVar

from stateful.common.carriers import Carrier
from zram_impl.runtime import Rank
from zram_impl.shield import Interrupts


class Waitable(Protocol):
    """Anything that a task can wait for."""

    @property
    def owner(self) -> object:
        """The owner, None when it is free."""
        ...


class _Always:
    """A waitable that is always free, or never."""

    def __init__(self, owner: object) -> None:
        self.owner: object = owner


FREE: Waitable = _Always(None)
ASLEEP: Waitable = _Always("nobody")


class _AllOf(_Always):
    """Free once all of several tasks are done: the last one says so, as at every choice somebody asks."""

    def __init__(self, tasks: "Sequence[ScheduledTask]") -> None:
        left = {task for task in tasks if task.is_alive()}
        super().__init__("a task" if left else None)
        self._left = left
        for task in left:
            task.awaited.append(self)

    def is_done(self, task: "ScheduledTask") -> None:
        """Note that one of them is done."""
        self._left.remove(task)
        if not self._left:
            self.owner = None


def all_done(tasks: "Sequence[ScheduledTask]") -> Waitable:
    """Return the waitable that is free once all of `tasks` are done."""
    return _AllOf(tasks)


class TaskInterrupt(KeyboardInterrupt):
    """Sent to a task by a program; Ctrl-C, which ends the run, is another."""


class TaskSwitch(Protocol):
    """The part of the runtime that waitables need."""

    current: "ScheduledTask | None"
    error: BaseException | None

    def stop(self, where: str, gate: Waitable, *, timed: bool = False) -> bool:
        """Return when it is the current task's turn and `gate` is free; False when time had to pass instead."""
        ...


class ScheduledTask:
    """A task of a run; as a waitable it is free once the task is done."""

    def __init__(self, runtime: TaskSwitch, number: int, name: str) -> None:
        self.number = number
        self.name = name
        self.carrier: Carrier
        self.owner: object = self
        """Itself until it is done."""
        self.gate: Waitable = FREE
        """The waitable that has to be free before it can run."""
        self.started = False
        """True once it has been at a point: before its first, it touches nothing shared."""
        self.timed = False
        self.timed_out = False
        self.waited = 0
        """The point at which time last ended a wait of it."""
        self.may_be_interrupted = False
        self.interrupted = False
        self.noted: Callable[[], None] | None = None
        """Called instead of an interrupt, while interrupts are deferred."""
        self.held_back = False
        self.at = "start"
        self.held: list[Rank] = []
        self.awaited: list[_AllOf] = []
        """The waitables that are free once it is done, and others are."""
        self._runtime = runtime

    def done(self) -> None:
        """Be done."""
        self.owner = None
        for each in self.awaited:
            each.is_done(self)

    def join(self, timeout: float | None = None) -> None:
        """Wait until it is done."""
        self._runtime.stop("join", self, timed=timeout is not None)

    def is_alive(self) -> bool:
        """Return whether the task is not done."""
        return self.owner is not None


class OutOfOrderError(AssertionError):
    """A lock was taken against the order of ranks."""


class ScheduledLock:
    """A lock of scheduled tasks.

    Attributes:
        owner: The task that has it.
    """

    def __init__(self, runtime: TaskSwitch, name: str, rank: Rank, releasing: Callable[[], None] | None = None) -> None:
        self.owner: object = None
        self._releasing = releasing
        self._runtime, self._name, self._rank = runtime, name, rank

    def __enter__(self) -> object:
        runtime, rank = self._runtime, self._rank
        task = runtime.current
        if task is None:
            assert self.owner is None, f"lock {self._name} is free outside of a run"
            self.owner = self
            return self
        held = task.held
        if held and held[-1] >= rank:
            names = ", ".join(each.name for each in held)
            raise OutOfOrderError(
                f"locks_are_taken_in_order: {task.name} takes {self._name}, of rank {rank.name}, holding {names}"
            )
        runtime.stop(self._name, self)
        self.owner = task
        held.append(rank)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        value: BaseException | None = None,
        where: TracebackType | None = None,
    ) -> None:
        runtime = self._runtime
        task = runtime.current
        if self._releasing is not None and runtime.error is None:
            self._releasing()
        self.owner = None
        if task is not None and task.held:
            task.held.remove(self._rank)

    def _at_fork_reinit(self) -> None:
        self.owner = None


class ScheduledCondition(ScheduledLock):
    """A condition of scheduled tasks. A wait that no notification ends is a finding."""

    def __init__(self, runtime: TaskSwitch, name: str, rank: Rank, releasing: Callable[[], None] | None = None) -> None:
        super().__init__(runtime, name, rank, releasing)
        self._waiters: list[ScheduledTask] = []
        self._waiting = f"wait {name}"

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until a notification after which `predicate()` holds."""
        while not predicate():
            task = self._runtime.current
            assert task is not None, f"nothing to wait for outside of a run: {self._name}"
            self._waiters.append(task)
            self.__exit__()
            try:
                in_time = self._runtime.stop(self._waiting, ASLEEP, timed=timeout is not None)
            except TaskInterrupt:
                if task in self._waiters:
                    self._waiters.remove(task)
                self._take_again(task)
                raise
            if not in_time:
                self._waiters.remove(task)
                self._take_again(task)
                return predicate()
            self.owner = task
            task.held.append(self._rank)
        return True

    def notify_all(self) -> None:
        """Wake all waiting tasks."""
        for task in self._waiters:
            task.gate = self
        self._waiters.clear()

    def _take_again(self, task: ScheduledTask) -> None:
        self._runtime.stop(self._name, self)
        self.owner = task
        task.held.append(self._rank)


# --- the shield -------------------------------------------------------------------------------------------------------

T = TypeVar("T")

_PATIENCE: Final = 0.1


class Spawning(Protocol):
    """The part of the runtime that the shield needs."""

    def condition(self, name: str, rank: Rank) -> ScheduledCondition:
        """Make a condition with a lock of its own."""
        ...

    def spawn(self, run: Callable[[], None], name: str) -> ScheduledTask:
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
        """Do the call; wake the waiting task however it ends."""
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


def shielded(
    runtime: Spawning, task: ScheduledTask, run: Callable[[Interrupts], T], lost: Callable[[T], object] | None
) -> T:
    """Do `run` in a task of its own while `task`, the current one, waits; if none can start, defer interrupts.

    As `zram_impl.shield`, with the points of the run in the place of the interpreter's: an interrupt arrives only where
    the waiting task stands.
    """
    call = _Call(runtime, run)
    try:
        worker = runtime.spawn(call.body, "zram pass")
    except (OSError, RuntimeError):
        return _held_back(task, run, lost)
    interrupts: list[TaskInterrupt] = []
    while not call.over():
        try:
            while not call.over():
                call.wait()
            worker.join()
        except TaskInterrupt as error:
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


def _held_back(task: ScheduledTask, run: Callable[[Interrupts], T], lost: Callable[[T], object] | None) -> T:
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
        raise TaskInterrupt
    return result
