"""The time of each page's last read or write, to the second since boot, in two bytes a page.

A second in which anything is accessed is a tick, and a page keeps the number of its last one. So an access costs a look
at the clock and one store, without a lock. When the numbers run out, those that no page has any more are used again.

The clock that counts a suspend is slow: with it, reading a page that is not compressed takes a tenth longer. So an
access looks at one that stands still during a suspend, and once a millisecond of that at the other: in less no system
suspends, resumes and lets a process run again.

Kernel: ac_time of struct zram_table_entry (CONFIG_ZRAM_TRACK_ENTRY_ACTIME)
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable
from typing import Final

from zram_impl.runtime import BootClock, Lock

TICKS: Final = 1 << 16
"""Seconds that can be distinguished."""

NEVER: Final = 0
"""The tick of a page that was not accessed since it was freed."""

LOOK_SECONDS: Final = 0.001
"""Between two looks at a clock that counts a suspend."""


class AccessTimes:
    """The ticks of a device's pages.

    A task that accesses page i asks `clock()`, calls `begin` if that is `ends` or later, and stores `tick` in
    `ticks[i]`. Race with a free: a late store may meet a slot that has been freed, and the time of an empty page is
    wrong then, which nobody asks for.

    Attributes:
        ticks: One number a page, NEVER for none.
        tick: The number of the present second.
        ends: When that second ends, or may have ended because of a suspend, by `clock`.
    """

    __slots__ = ("_lock", "_most", "_now", "_over", "_seconds", "clock", "ends", "tick", "ticks")

    def __init__(self, pages: int, clock: Callable[[], float], lock: Lock, *, most: int = TICKS) -> None:
        """Begin with the present second; `lock` is the table lock, `most` how many ticks are distinguished."""
        self.ticks: array[int] = array("H", (NEVER,)) * pages
        self.clock: Callable[[], float] = clock.running if isinstance(clock, BootClock) else clock
        self._now = clock
        self._lock = lock
        self._most = most
        now = int(clock())
        self._seconds = [0, now]
        """Second of each tick, ascending; that of NEVER is before all."""
        self.tick: int = 1
        self._over = now + 1.0
        """End of the present second, by `_now`."""
        self.ends: float = self._over if self.clock is clock else self.clock()

    def begin(self) -> None:
        """Begin a new second if the present one is over; only then the table lock is taken."""
        if not self._is_over():
            return
        with self._lock:
            if not self._is_over():
                return  # somebody else was faster
            now = int(self._now())
            if len(self._seconds) == self._most:
                self._renumber()
            number = len(self._seconds)
            # No call: an exception of a signal handler lands before or after all of it.
            self._seconds += [now]
            self.tick = number
            self._over = now + 1.0
            self._is_over()

    def _is_over(self) -> bool:
        """Return whether the present second has ended; if not, note when to look again.

        Two threads may get here at once, and the later store of `ends` win: either leads to a look that is due.
        """
        clock = self.clock()  # before `_now`: a thread that is held up between the two looks too early, never too late
        now = self._now()
        if now >= self._over:
            return True
        self.ends = self._over if self.clock is self._now else clock + min(LOOK_SECONDS, self._over - now)
        return False

    def _renumber(self) -> None:
        """Number the seconds that pages still have from 1 on; if that is nearly all, two neighbours share the earlier.

        A task that is about to store the present tick stores a number too high: `second` takes it for the latest.
        """
        used = sorted(set(self.ticks) - {NEVER})
        kept = used if len(used) < self._most // 2 else used[::2]
        renumbered, number = [NEVER] * self._most, NEVER
        for tick in used:
            number += tick in kept[number : number + 1]
            renumbered[tick] = number
        ticks, seconds = array("H", [renumbered[tick] for tick in self.ticks]), [self._seconds[tick] for tick in kept]
        # No call: an exception of a signal handler lands before or after both.
        self.ticks[:] = ticks
        self._seconds = [0, *seconds]

    def stamp(self, first: int, end: int) -> None:
        """Note an access, now, of pages `first` to `end`, excluded; the table lock must not be held."""
        if self.clock() >= self.ends:
            self.begin()
        self.ticks[first:end] = array("H", (self.tick,)) * (end - first)

    def forget(self, index: int) -> None:
        """Note that a page was freed."""
        self.ticks[index] = NEVER

    def second(self, index: int) -> int:
        """Return the second of a page's last access, 0 without one; needs the table lock."""
        return self._seconds[min(self.ticks[index], len(self._seconds) - 1)]

    def first_from(self, second: int) -> int:
        """Return the first tick that is not before `second`; needs the table lock."""
        return bisect_left(self._seconds, second)
