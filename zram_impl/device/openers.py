"""The opens of the device's node: a reset needs it closed, and keeps it closed.

Kernel: disk_openers(), bd_prepare_to_claim(), the claim flag of reset_store().
"""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EBUSY

from zram_impl.errors import refuse
from zram_impl.forking import made_anew
from zram_impl.runtime import Rank, Runtime


class Opened:
    """One open of the node, over when it is closed or when nobody holds it any more.

    Attributes:
        closed: Stored by `close`, in one step and without a lock: there is nothing half done about it.
    """

    __slots__ = ("__weakref__", "closed", "exclusive")

    def __init__(self, *, exclusive: bool) -> None:
        self.exclusive: bool = exclusive
        self.closed: bool = False


class Openers:
    """The opens there are. Takes only its own lock, and never waits for anything but that."""

    def __init__(self, runtime: Runtime) -> None:
        # Guards the two below; an open that is over takes itself off without it.
        self._lock = runtime.lock("openers", Rank.ENGINE)
        self._opens: tuple[weakref.ref[Opened], ...] = ()
        self._resetting = False

    def _alive(self) -> list[Opened]:
        return [opened for each in self._opens if (opened := each()) is not None and not opened.closed]

    def after_fork(self) -> None:
        """Forget, in a forked child, the reset that its parent may be doing."""
        made_anew(self._lock)
        self._resetting = False

    @property
    def count(self) -> int:
        """Number of opens."""
        return len(self._alive())

    @property
    def available(self) -> bool:
        """True if it can be opened now: no reset is under way."""
        return not self._resetting

    def enter(self, *, exclusive: bool) -> Opened:
        """Note an open; EBUSY during a reset, or when the open is exclusive and another one is already."""
        # Race with another open and with a reset: looked at and noted in one hold, so that one of two is refused.
        with self._lock:
            return self._enter(exclusive)

    def _enter(self, exclusive: bool) -> Opened:
        if self._resetting:
            raise refuse(EBUSY, "the device cannot be opened: it is being reset")
        alive = self._alive()
        if exclusive and any(opened.exclusive for opened in alive):
            raise refuse(EBUSY, "the device cannot be opened exclusively: another open is exclusive")
        fresh = Opened(exclusive=exclusive)
        self._opens = tuple(map(weakref.ref, [*alive, fresh]))
        return fresh

    @contextmanager
    def shut_out(self) -> Iterator[None]:
        """Keep everybody from opening; EBUSY when it is open, or when somebody else keeps everybody out."""
        # Race with an open: it comes first and this is refused, or it finds the mark.
        with self._lock:
            self._shut()
        try:
            yield
        finally:
            with self._lock:
                self._resetting = False

    def _shut(self) -> None:
        count = self.count
        if count or self._resetting:
            why = f"it is open {count} times" if count else "another reset is under way"
            raise refuse(EBUSY, f"the device cannot be reset: {why}")
        self._resetting = True
