"""What an observer of a device is told.

At every linearization point the device calls its observer with the name of what happened (an action of the
specification) and its parameters, under the lock that makes it one. `Recorder` turns that into events that can be put
into a total order afterwards without a global lock or counter: each carries the objects it touched with a version,
and versions are only counted while somebody observes.
"""

import threading
from typing import Final, NamedTuple, Protocol


class Observer(Protocol):
    """Called under a lock of the device; it must not call the device and should be quick."""

    def __call__(self, kind: str, /, *args: int) -> None:
        """Take notice of one action."""
        ...


class Event(NamedTuple):
    """One observed action.

    Attributes:
        kind: Name of the action.
        args: Its parameters.
        task: Name of the thread.
        touched: (object, number, version) for everything it touched; the version counts that object's events.
    """

    kind: str
    args: tuple[int, ...]
    task: str
    touched: tuple[tuple[str, int, int], ...]


# What each action touches: the objects named by its parameters in order, then those that always take part.
_PARAMETERS: Final[dict[str, tuple[str, ...]]] = {
    "take_request": ("request",),
    "reserve_block": ("block",),
    "submit": ("slot", "request", "block"),
    "reap": ("request", "slot", "block"),
    "device_ok": ("block",),
    "device_error": ("block",),
    "endio_queue": ("request", "block"),
    "endio_leave": ("request",),
    "store_limit": (),
}
_ALWAYS: Final[dict[str, tuple[str, ...]]] = {
    "submit": ("budget", "pass"),
    "reap": ("budget", "pass"),
    "store_limit": ("budget",),
    "toggle_limit": ("budget",),
    "reset": ("budget",),
}
_PASS: Final = frozenset({
    "begin_pass", "scan", "end_scan", "take_request", "reserve_block", "skip", "give_up", "drop_held", "end_pass",
    "reset",
})  # fmt: skip


class Recorder:
    """An observer that keeps every event."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._versions: dict[tuple[str, int], int] = {}

    def __call__(self, kind: str, /, *args: int) -> None:
        """Keep one event."""
        names = _PARAMETERS.get(kind, ("slot",))
        objects = [*zip(names, args, strict=False), *((name, 0) for name in _ALWAYS.get(kind, ()))]
        if kind in _PASS:
            objects.append(("pass", 0))
        touched = []
        for obj in objects:
            version = self._versions[obj] = self._versions.get(obj, 0) + 1
            touched.append((*obj, version))
        self.events.append(Event(kind, args, threading.current_thread().name, tuple(touched)))
