"""Forked copies of a device, made whole: locks are free, and no call is in progress.

Before a fork the control locks, then the table locks of all devices are taken, in one order: what they guard is whole
then, and a child continues to use it. All other locks are made anew in the child, where those who held them are not.

A fork waits for these locks for a while only: a life cycle call holds the control lock while a device answers. Whose
control lock could not be had is not initialised in the child: its life was about to change.
"""

import os
import weakref
from typing import Final, Protocol, runtime_checkable

from zram_impl.runtime import Lock, native_lock

PATIENCE: Final = 1.0
"""Seconds that a fork waits for a lock."""


@runtime_checkable
class _Native(Protocol):
    """A lock of the system's, as `threading` makes them."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...
    def release(self) -> None: ...


class Forked(Protocol):
    """The part of a device that a fork concerns."""

    def fork_locks(self) -> tuple[Lock, Lock]:
        """Return the control lock and the table lock."""
        ...

    def after_fork(self, *, whole: bool) -> None:
        """Be a child's copy; `whole` unless the control lock could not be had."""
        ...


def made_anew(*locks: object) -> None:
    """Make locks, or the locks of conditions, that nobody holds in this process any more, free."""
    for lock in locks:
        for each in (lock, getattr(lock, "_lock", None)):
            reinit = getattr(each, "_at_fork_reinit", None)  # what `threading` itself calls in a child
            if callable(reinit):
                reinit()
        waiters = getattr(lock, "_waiters", None)
        if waiters is not None:  # of a condition: those who waited are not there
            waiters.clear()


_loose: Final["weakref.WeakSet[Lock]"] = weakref.WeakSet()


def free_in_child(lock: Lock) -> None:
    """Have a lock free in every forked child; what it guards must be whole at each point at which it is held."""
    _loose.add(lock)


_registry: Final = native_lock()
_devices: Final["weakref.WeakSet[Forked]"] = weakref.WeakSet()
_taken: Final[list[_Native]] = []
_missed: Final["list[Forked]"] = []


def register(device: Forked) -> None:
    """Note a device; it is forgotten when it is gone."""
    with _registry:
        _devices.add(device)


def _before() -> None:
    _registry.acquire(timeout=PATIENCE)
    devices = sorted(_devices, key=id)
    for device in devices:
        if not _take(device.fork_locks()[0]):
            _missed.append(device)
    # Lock order: nobody who holds a table lock waits for a control lock.
    for device in devices:
        _take(device.fork_locks()[1])


def _take(lock: Lock) -> bool:
    if not isinstance(lock, _Native):
        return True
    taken = lock.acquire(timeout=PATIENCE)
    if taken:
        _taken.append(lock)
    return taken


def _in_parent() -> None:
    _missed.clear()
    while _taken:
        _taken.pop().release()
    _registry.release()


def _in_child() -> None:
    missed = set(map(id, _missed))
    _missed.clear()
    _taken.clear()
    made_anew(_registry, *_loose)
    for device in list(_devices):
        device.after_fork(whole=id(device) not in missed)


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
