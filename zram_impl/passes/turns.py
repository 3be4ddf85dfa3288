"""Turns: a long computation lets other threads have the interpreter, and any lock that it takes again and again.

The interpreter makes a thread wait for 5 ms before it takes its lock from one that computes, most likely at a moment
when that holds a lock of ours, for which the thread then waits again. A thread that sleeps has released both.
"""

from time import perf_counter, sleep
from typing import Final

_TURN: Final = 1e-3
"""Seconds that a thread computes before it pauses."""
_PAUSE: Final = 5e-5
"""Seconds asked for: about twice that is what the system makes of it, in which another thread wakes up."""


class FairTurns:
    """The turns of one thread, the first of which begins with this."""

    __slots__ = ("_ends",)

    def __init__(self) -> None:
        self._ends = perf_counter() + _TURN

    def pause_in_time(self) -> None:
        """Pause if the present turn is over; call it often, with no lock held."""
        if perf_counter() >= self._ends:
            sleep(_PAUSE)
            self._ends = perf_counter() + _TURN
