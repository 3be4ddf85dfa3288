"""The judge of one run: who has which lock, and whether each access is as the table declares.

An access without its lock is a finding on any schedule, not only where it does harm. What is handed from task to task
is judged by happens-before instead (`clocks.py`): of two accesses, one a write, one must come after the other. When a
lock is released, its invariants must hold, and tasks that may wait for what was changed must have been notified.

A finding becomes the error of the runtime; it is not raised, because production code could swallow it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from stateful.guards.clocks import Clocks, Uses
from stateful.guards.guard import Guard, GuardKind, Wait
from stateful.guards.places import caller, function, is_production, place_of
from stateful.schedules.primitives import ASLEEP, ScheduledLock, ScheduledTask
from zram_impl.runtime import Rank


class GuardError(AssertionError):
    """An access, a call or a change that the table does not allow."""


class Access(NamedTuple):
    """An access of a run that is recorded."""

    task: int
    points: int
    """Number of points that the task had been at."""
    what: str
    number: int | None
    """Of the object, among those of its class; None of one that is no older than the record."""
    write: bool
    place: str
    """The function that did it."""


class Rule:
    """One declared name of one class, and how often it was used which way."""

    def __init__(self, owner: type, name: str, guard: Guard) -> None:
        self.guard = guard
        self.kind = guard.kind
        self.lock, self.of = guard.lock, guard.of
        self.field = name.rstrip("[]()")
        self.key = f"{owner.__name__}.{name}"
        self.looks = {place for look in guard.looks for place in look.places}
        self.stores = {place for look in guard.stores for place in look.places}
        self.watched = guard.kind is not GuardKind.ONCE
        """True when accesses are counted: reads of what is written once are not."""
        self.noted = guard.rises or bool(guard.wakes)
        """True when somebody may wait for what it becomes."""
        self.accesses = 0
        self.exceptions: Counter[str] = Counter()
        """Times that each function that may do without the lock did."""


class Runs(Protocol):
    """The part of a runtime that the judge needs."""

    current: ScheduledTask | None
    error: BaseException | None
    points: Sequence[int]
    """Points that each task has been at, by its number."""
    trace: list[tuple[str, str]]
    """The task and what it was about to touch, of every point."""

    def look(self, where: str) -> None:
        """Let somebody else run, perhaps, before something that may change at any moment is accessed."""
        ...


class Invariant(NamedTuple):
    """A property of every object of a class whenever a lock is free."""

    lock: str
    name: str
    owner: type
    broken: Callable[[object], str]
    """Says what is wrong; "" when nothing is."""


class Judge:
    """Judges one run after the other; `begin` is called as one begins.

    Attributes:
        rules: Every rule, by class and name.
        recorded: Accesses of the present run, if they are to be recorded.
        objects: Of the present run, by class.
        idle: Whether nothing is judged now: hooks need not ask.
    """

    def __init__(
        self,
        rules: Mapping[type, Mapping[str, Rule]],
        invariants: Sequence[Invariant] = (),
        waits: Mapping[str, Wait] | None = None,
    ) -> None:
        self.rules = rules
        self.recorded: list[Access] | None = None
        self._waits = waits or {}
        self._invariants: defaultdict[str, list[Invariant]] = defaultdict(list)
        for each in invariants:
            self._invariants[each.lock].append(each)
        self._paused = 0
        self.begin(None)

    def begin(self, runtime: Runs | None) -> None:
        """Judge a new run; nothing is known of it."""
        self._runtime = runtime
        self.idle = runtime is None or self._paused > 0
        self.objects: defaultdict[type, list[object]] = defaultdict(list)
        self._written = set[str]()
        """Names of locks under which something was written since their invariants were looked at."""
        self._numbers: dict[int, int | None] = {}
        self._locks: defaultdict[str, list[ScheduledLock]] = defaultdict(list)
        self._making: Counter[int] = Counter()
        """Number of constructors that each task is in."""
        self._private: dict[int, tuple[int, object]] = {}
        """By identity: objects that are being made, and by which task."""
        self._clocks = Clocks()
        self._uses: dict[tuple[int, str], tuple[Uses, object]] = {}
        self._due: defaultdict[int, dict[str, tuple[str, str]]] = defaultdict(dict)
        """By task, conditions it has to notify: the lock it holds until then, and why."""
        self._waiting: dict[int, tuple[ScheduledTask, str, Callable[[], bool]]] = {}
        """By number, tasks that wait for a condition, and what for."""

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let somebody who is no part of the device look at it."""
        self._paused += 1
        self.idle = True
        try:
            yield
        finally:
            self._paused -= 1
            self.idle = self._runtime is None or self._paused > 0

    @property
    def trace(self) -> list[tuple[str, str]]:
        """The points of the run."""
        return [] if self._runtime is None else self._runtime.trace

    @property
    def task(self) -> ScheduledTask | None:
        """The task whose accesses are judged now."""
        return None if self._paused or self._runtime is None else self._runtime.current

    # --- accesses --------------------------------------------------------------------------------------------------

    def accessed(self, rule: Rule, obj: object, write: bool) -> None:  # noqa: C901  (one call for every access)
        """Judge a read or a write of a field or of contents, which has not happened yet."""
        # Called for every access: what costs time is put off until it is needed.
        runtime = self._runtime
        if runtime is None or self._paused or (task := runtime.current) is None:
            return
        if rule.kind is GuardKind.LOCK and self._has(rule, obj, task):
            rule.accesses += 1
            if write:
                self._written.add(rule.lock)
            if self.recorded is not None:
                self._record(rule, obj, task, function(caller()), write=write)
            return
        frame = caller()
        if not is_production(frame) or id(obj) in self._private:
            return
        rule.accesses += 1
        place = function(frame)
        looks = rule.kind is GuardKind.FREE or place in (rule.stores if write else rule.looks)
        if looks:
            rule.exceptions[place] += 1
            runtime.look(rule.key)
        if self.recorded is not None:
            self._record(rule, obj, task, place, write=write)
        if rule.kind is GuardKind.ONCE and not write:
            return
        if looks:
            if rule.kind is GuardKind.FREE:
                # One step of the interpreter: a read happens after the write that it sees.
                synchronise = self._clocks.released if write else self._clocks.acquired
                synchronise(task.number, (id(obj), rule.field))
        elif rule.kind is GuardKind.OWNED:
            self._use(rule, obj, task, place_of(frame), write=write)
        else:
            without = "though it is written once" if rule.kind is GuardKind.ONCE else f"without lock {rule.lock}"
            how = "written" if write else "read"
            self.found(f"guarded_as_declared: {rule.key} is {how} {without} by {task.name} in {place_of(frame)}")

    def _has(self, rule: Rule, obj: object, task: ScheduledTask) -> bool:
        if rule.of:
            lock = getattr(obj, rule.of)
            return isinstance(lock, ScheduledLock) and lock.owner is task
        return task in [lock.owner for lock in self._locks[rule.lock]]

    def _record(self, rule: Rule, obj: object, task: ScheduledTask, place: str, *, write: bool) -> None:
        if self.recorded is not None and self._runtime is not None:
            points, number = self._runtime.points[task.number], self._numbers.get(id(obj), 0)
            self.recorded.append(Access(task.number, points, rule.key, number, write, place))

    def register(self, obj: object) -> None:
        """Note an object that is there from now on."""
        self._numbers[id(obj)] = len(self.objects[type(obj)]) if self.recorded is None else None
        for owner in type(obj).__mro__:
            self.objects[owner].append(obj)

    def _use(self, rule: Rule, obj: object, task: ScheduledTask, place: str, *, write: bool) -> None:
        """Judge an access to something that is handed over: it comes after those before it."""
        # The object is kept, so that no other gets its identity.
        uses, _kept = self._uses.setdefault((id(obj), rule.key), (Uses(), obj))
        for other in uses.unordered(self._clocks, task.number, write=write):
            self.found(
                f"handed_over_as_declared: {rule.key} is used by {task.name} in {place}, "
                f"and nothing orders that after {other}"
            )
        uses.note(self._clocks, task.number, place, write=write)

    def changed(self, rule: Rule, obj: object, value: object) -> None:
        """Note what a field or a container of a noted rule has become."""
        task = self.task
        if task is None or id(obj) in self._private:
            return
        if rule.guard.rises and not value:
            frame = caller()
            if is_production(frame):
                self.found(f"a_flag_only_rises: {rule.key} is {value!r} again, by {task.name} in {place_of(frame)}")
        if rule.guard.wakes and rule.guard.when(value) and is_production(frame := caller()):
            why = f"{rule.key} is changed by {task.name} in {place_of(frame)}"
            self._due[task.number][rule.guard.wakes] = rule.lock, why

    def called(self, rule: Rule, obj: object) -> None:
        """Judge a call of a method that declares a lock."""
        task = self.task
        if task is None:
            return
        rule.accesses += 1
        if rule.kind is GuardKind.OUTSIDE:
            wrong = any(rank >= Rank.TABLE for rank in task.held)
        else:
            wrong = not self._has(rule, obj, task) and id(obj) not in self._private
        frame = caller()
        if wrong and is_production(frame):
            how = "while" if rule.kind is GuardKind.OUTSIDE else "without"
            held = f"lock {rule.lock}" + (", or one inside it, is held" if rule.kind is GuardKind.OUTSIDE else "")
            self.found(f"called_as_declared: {rule.key} is called {how} {held} by {task.name} in {place_of(frame)}")

    def compared(self, owner: type) -> None:
        """Note that objects whose identity counts were compared by value."""
        task, frame = self.task, caller()
        if task is not None and is_production(frame):
            self.found(f"compared_by_identity: a {owner.__name__} is compared by value in {place_of(frame)}")

    # --- objects ---------------------------------------------------------------------------------------------------

    def makes(self, obj: object) -> int | None:
        """Take an object, and all that is made for it, for its maker's own until it is there; return the maker."""
        task = self.task
        if task is None:  # nobody else is there
            return None
        self._private[id(obj)] = task.number, obj
        self._making[task.number] += 1
        return task.number

    def has_made(self, maker: int) -> None:
        """End what `makes` began; what was private to the maker is there with the outermost of its objects."""
        self._making[maker] -= 1
        if not self._making[maker]:
            for key in [key for key, (mine, _obj) in self._private.items() if mine == maker]:
                self.register(self._private.pop(key)[1])

    # --- locks and tasks -------------------------------------------------------------------------------------------

    def made(self, lock: ScheduledLock, name: str) -> None:
        """Note a new lock."""
        self._locks[name].append(lock)

    def acquired(self, lock: ScheduledLock) -> None:
        """Note that the task that runs has a lock now."""
        if (number := self._number()) is not None:
            self._clocks.acquired(number, lock)

    def releasing(self, lock: ScheduledLock, name: str) -> None:
        """Check what has to hold before a lock is released."""
        runtime = self._runtime
        if runtime is None or runtime.current is None:
            return
        number = runtime.current.number
        if due := self._due[number]:
            for condition in [condition for condition, (held, _why) in due.items() if held == name]:
                why = due.pop(condition)[1]
                self.found(f"who_changes_wakes: {why}, and {condition} is not notified before {name} is released")
        if name in self._written and not self._paused and runtime.error is None:
            self._written.remove(name)
            with self.paused():
                self._check(lock, name)
        self._clocks.released(number, lock)

    def _check(self, lock: ScheduledLock, name: str) -> None:
        for each in self._invariants[name]:
            for obj in self.objects[each.owner]:
                mine = lock if name == "table" else getattr(obj, "_lock", lock)
                if mine is lock and (problem := each.broken(obj)):
                    self.found(f"{each.name}: as {name} is released, {problem}")

    def released(self) -> None:
        """Check, when a task has no lock any more, that nobody sleeps on although what it waits for is there."""
        runtime = self._runtime
        if runtime is None or runtime.current is None or runtime.current.held or runtime.error is not None:
            return
        if not self._waiting:
            return
        with self.paused():
            for task, name, predicate in self._waiting.values():
                # One that an interrupt or a notification has woken looks for itself.
                if task.gate is ASLEEP and predicate():
                    self.found(
                        f"nobody_waits_without_a_waker: what {task.name} waits for at {name} is there, "
                        f"and {runtime.current.name} has not notified it"
                    )

    def waiting(self, lock: ScheduledLock, name: str, *, timed: bool) -> None:
        """Check that a condition is waited for as declared."""
        task, declared = self.task, self._waits.get(name)
        if task is None:
            return
        others = {rank.name for rank in task.held[:-1]}
        wrong = [
            *["as is declared nowhere"] * (declared is None),
            *["without its lock"] * (lock.owner is not task),
            *(["with a time-out"] if declared and declared.timed is False and timed else []),
            *(["without a time-out"] if declared and declared.timed is True and not timed else []),
            *([f"holding {', '.join(others)}"] if declared and not others <= set(declared.holding) else []),
        ]
        if wrong:
            place = place_of(caller())
            self.found(f"waited_for_as_declared: {name} is waited for {', '.join(wrong)} by {task.name} in {place}")

    def sleeps(self, task: ScheduledTask | None, name: str, predicate: Callable[[], bool]) -> None:
        """Note that a task is about to sleep until it is notified."""
        if task is not None:
            self._waiting[task.number] = task, name, predicate

    def wakes(self, task: ScheduledTask) -> None:
        """Note that a task does not sleep any more."""
        self._waiting.pop(task.number, None)

    def notified(self, lock: ScheduledLock, name: str) -> None:
        """Note that all who wait for a condition are woken."""
        task = self.task
        if task is not None:
            self._due[task.number].pop(name, None)
            if lock.owner is not task:
                self.found(f"called_as_declared: {name} is notified without its lock by {task.name}")

    def started(self, child: ScheduledTask) -> None:
        """Note that the task that runs has started another."""
        if (number := self._number()) is not None:
            self._clocks.started(number, child.number)

    def joined(self, others: Sequence[ScheduledTask]) -> None:
        """Note that the task that runs has waited for the end of others."""
        if (number := self._number()) is not None:
            for other in others:
                self._clocks.joined(number, other.number)

    def _number(self) -> int | None:
        return None if self._runtime is None or self._runtime.current is None else self._runtime.current.number

    def found(self, text: str) -> None:
        """Note a finding, if it is the first of its run."""
        if self._runtime is not None and self._runtime.error is None:
            self._runtime.error = GuardError(text)
