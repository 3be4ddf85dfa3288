"""Observers of a device, and the recorder of its actions.

At every linearization point the device calls its observer with the name of what happened (an action of the
specification) and its parameters, under the lock that makes it one. `Recorder` keeps that as events that can be put
into a total order afterwards without a lock or a counter of its own: each carries the objects it touched with a
version, counted under the lock that the device holds anyway, and only while somebody observes.
"""

import threading
from typing import Final, Generic, NamedTuple, Protocol, TypeGuard, TypeVar, runtime_checkable

from zram_impl.events.order import Touched, in_order
from zram_impl.shield import acting_for, in_main_thread

Item = TypeVar("Item")


class Observer(Protocol):
    """Called under a lock of the device; it must not call the device, should not raise, and should be quick.

    What it raises all the same does not change what it was called for, and is raised by the call of the device that
    does it, or by `close`.
    """

    def __call__(self, kind: str, /, *args: int) -> None:
        """Take notice of one action."""
        ...


@runtime_checkable
class ReadingObserver(Observer, Protocol):
    """An observer that also gets the steps of reads of written-back pages; others get one `read` for each."""

    def on_read_step(self, kind: str, /, *args: int) -> None:
        """Take notice of a step: read_begin (index, number), read_answer, read_end or read_retry (number).

        With a read cache a read ends with read_keep; drop_kept and read_kept are of a page that an earlier one kept.
        """
        ...


def takes_read_steps(observer: Observer | None) -> TypeGuard[ReadingObserver]:
    """Return whether an observer is a `ReadingObserver`, for a hundredth of what `isinstance` takes to find out."""
    return hasattr(observer, "on_read_step")


class Event(NamedTuple):
    """One observed action.

    Attributes:
        kind: Name of the action.
        args: Its parameters, and for some actions what it concerns besides: see `_ALSO`.
        task: Name of the thread; a number distinguishes threads of one name.
        touched: (object, number, version) for everything it touched; the version counts that object's events from 1.
    """

    kind: str
    args: tuple[int, ...]
    task: str
    touched: Touched


# These happen outside of the table lock: the request and its block belong to the task that carries them, and
# a reader to the task that reads, so no other task counts their events at the same time.
_ELSEWHERE: Final[dict[str, tuple[str, ...]]] = {
    "device_ok": ("block",),
    "device_error": ("block",),
    "endio_queue": ("request",),
    "endio_leave": ("request",),
    "read_answer": (),
}
# Everything else happens under the table lock; these also hand a request and a block over. By position in `args`.
_HANDED_OVER: Final[dict[str, tuple[tuple[str, int], ...]]] = {
    "submit": (("request", 1), ("block", 2)),
    "reap": (("request", 0), ("block", 2)),
}
_TABLE: Final = ("table", 0)


class Versions:
    """Counts the events of every object."""

    def __init__(self) -> None:
        self._versions: dict[tuple[str, int], int] = {}

    def touch(self, kind: str, args: tuple[int, ...]) -> Touched:
        """Count an event, under the lock that the device holds; return what it touched."""
        elsewhere = _ELSEWHERE.get(kind)
        if elsewhere is not None:
            return tuple([self._next((name, args[0])) for name in elsewhere])
        handed_over = _HANDED_OVER.get(kind)
        if handed_over is None:
            return (self._next(_TABLE),)
        return (self._next(_TABLE), *[self._next((name, args[position])) for name, position in handed_over])

    def _next(self, obj: tuple[str, int]) -> tuple[str, int, int]:
        version = self._versions[obj] = self._versions.get(obj, 0) + 1
        return (*obj, version)


class _Mine(threading.local, Generic[Item]):
    """The list that a thread appends to, and its name."""

    items: list[Item]
    name: str


class Tasks(Generic[Item]):
    """A list for each task, to which that task alone appends.

    The main thread waits while a shield works for it, so what both do is one sequence and one task.
    """

    def __init__(self) -> None:
        self._mine = _Mine[Item]()
        self._lock = threading.Lock()  # guards the two below
        self._lists: dict[str, list[Item]] = {}
        self._main = ""
        """Name of the main thread here, once it or its shield has done anything."""

    def mine(self) -> tuple[str, list[Item]]:
        """Return name and list of the calling task."""
        mine = self._mine
        if not hasattr(mine, "items"):
            for_main = acting_for() is not None or in_main_thread()
            with self._lock:
                if for_main:
                    mine.name = self._main = self._main or self._begin(threading.main_thread().name)
                else:
                    mine.name = self._begin(threading.current_thread().name)
                mine.items = self._lists[mine.name]
        return mine.name, mine.items

    def _begin(self, name: str) -> str:
        """Begin a list; a number distinguishes tasks of one name."""
        apart, number = name, 2
        while apart in self._lists:
            apart, number = f"{name} ({number})", number + 1
        self._lists[apart] = []
        return apart

    def lists(self) -> dict[str, list[Item]]:
        """Return the lists by the names of their tasks."""
        with self._lock:
            return dict(self._lists)


class Recorder:
    """An observer that keeps every event, each task its own."""

    def __init__(self) -> None:
        self._versions = Versions()
        self._tasks = Tasks[Event]()

    def __call__(self, kind: str, /, *args: int) -> None:
        """Keep one event."""
        name, events = self._tasks.mine()
        events.append(Event(kind, args, name, self._versions.touch(kind, args)))

    def on_read_step(self, kind: str, /, *args: int) -> None:
        """Keep one step of a read of a written-back page."""
        self(kind, *args)

    @property
    def tasks(self) -> dict[str, list[Event]]:
        """The events of each task, in the order in which it did them."""
        return self._tasks.lists()

    @property
    def events(self) -> list[Event]:
        """All events in an order in which they can have happened; OrderError if none exists, which is a bug."""
        return in_order(list(self.tasks.values()))
