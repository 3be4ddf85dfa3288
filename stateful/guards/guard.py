"""The vocabulary of guards: what keeps a shared field sound while several tasks use it.

A row of the table (`table.py`) names a class, some of its fields and their guard. Three forms of a name:

    field      the attribute itself
    field[]    the contents of the list, dict, deque, set, array or bytearray in it
    method()   a call
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, NamedTuple


class GuardKind(Enum):
    """Means by which something is kept sound."""

    LOCK = "lock"
    """Every read and write holds a lock."""
    ONCE = "once"
    """Written while its object is made, by one task, and never again."""
    FREE = "lock-free"
    """Read and written without a lock, on purpose; every access is a scheduling point."""
    OWNED = "handed over"
    """Used by one task at a time: any two accesses are ordered by locks, starts or ends of tasks (happens-before)."""
    OUTSIDE = "outside"
    """A call that is made while the lock is not held."""


class Look(NamedTuple):
    """Functions that may access a field without its lock, and why that is safe; each such access is a point."""

    places: tuple[str, ...]
    """Qualified names, without the module."""
    why: str


class Guard(NamedTuple):
    """The rule that keeps a field sound.

    Attributes:
        lock: Name that the lock was given when it was made.
        of: Attribute of the object that holds the lock; "" where a run has one lock of the name.
        why: Why no lock is needed; "" where there is one.
        looks: Where it is read without the lock.
        stores: Where it is written without the lock.
        wakes: Condition that is notified after the field was changed, before its lock is released.
        when: Says of a new value whether somebody may have waited for it.
        rises: Whether it is a flag that is set and never taken back.
        unused: Why no run accesses it; "" where one does.
    """

    kind: GuardKind
    lock: str = ""
    of: str = ""
    why: str = ""
    looks: tuple[Look, ...] = ()
    stores: tuple[Look, ...] = ()
    wakes: str = ""
    when: Callable[[object], bool] = bool
    rises: bool = False
    unused: str = ""

    def looked_at(self, why: str, *places: str) -> "Guard":
        """Allow reads without the lock in some functions."""
        return self._replace(looks=(*self.looks, Look(places, why)))

    def stored_by(self, why: str, *places: str) -> "Guard":
        """Allow writes without the lock in some functions."""
        return self._replace(stores=(*self.stores, Look(places, why)))

    def waking(self, condition: str, when: Callable[[object], bool] = bool) -> "Guard":
        """Demand that each change is followed by a notification of a condition, before the lock is released."""
        return self._replace(wakes=condition, when=when)

    def rising(self) -> "Guard":
        """Demand that it is set and never taken back."""
        return self._replace(rises=True)

    def never_accessed(self, why: str) -> "Guard":
        """Say why no run accesses it."""
        return self._replace(unused=why)


def under(lock: str, of: str = "") -> Guard:
    """Declare that a lock is held at every access, or call; `of` names the attribute that holds the lock."""
    return Guard(GuardKind.LOCK, lock, of)


ONCE: Final = Guard(GuardKind.ONCE)
"""Written once."""


def free(why: str) -> Guard:
    """Declare that no lock is needed, and why."""
    return Guard(GuardKind.FREE, why=why)


def owned(why: str) -> Guard:
    """Declare that it is handed from task to task, and by what."""
    return Guard(GuardKind.OWNED, why=why)


def outside(lock: str) -> Guard:
    """Declare that a call is made without a lock."""
    return Guard(GuardKind.OUTSIDE, lock)


class Wait(NamedTuple):
    """Kind of wait for a condition, and the reason."""

    timed: bool | None
    """True when every wait has a time-out; None: some have."""
    holding: tuple[str, ...]
    """Ranks of the other locks that the waiter may hold."""
    why: str


class GuardRow(NamedTuple):
    """A row of the table."""

    owner: type
    names: tuple[str, ...]
    guard: Guard


def row(owner: type, names: str, guard: Guard) -> GuardRow:
    """Write a row: `names` are parted by spaces."""
    return GuardRow(owner, tuple(names.split()), guard)


def by_class(rows: Sequence[GuardRow]) -> dict[type, dict[str, Guard]]:
    """Return the guards of each class by name; AssertionError when one is declared twice."""
    found: dict[type, dict[str, Guard]] = {}
    for owner, names, guard in rows:
        mine = found.setdefault(owner, {})
        for name in names:
            assert name not in mine, f"declared_once: {owner.__name__}.{name}"
            mine[name] = guard
    return found
