"""Times at which the driver looked at the recorded machine's clock: pure.

The clock was read when an operation had been done. The driver looked at its own, which may be late, at some time since
the operation before. Mostly that is one second. Where it may be one of two, what was recorded of the pages says which,
or that an age was refused for want of pages: one at or above the uptime is accepted whatever the device is.

While a store in the background waits, nobody can look. What is seen when it is over says when each page was accessed
last; of the accesses before that one nothing is known, and nobody asks.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from stateful.conformance.fields import Json
from stateful.conformance.operations import ByteRead, ByteWrite, Discard, Operation, Read, Store, Write, Zeroout
from stateful.conformance.schema import Expected, State
from zram_impl import ZramError
from zram_impl.parsing.writeback_args import parse_idle
from zram_impl.units import PAGE_SIZE

REFUSED: Final = -1
"""The `rc` of what was refused, which uses no page."""
LATE: Final = 1.0
"""Seconds that the driver's clock is late at most: it goes by ticks, for which an emulated machine may have to wait."""


class Times(NamedTuple):
    """Time of an operation, and of its accesses to pages, if there were any."""

    second: int
    accessed: dict[int, int]


class FirstLook(NamedTuple):
    """The first look after an operation: the state seen, and the pages that others had used again by then."""

    state: State
    again: tuple[range, ...]


def looks_after(operations: Sequence[Operation], expected: Sequence[Expected]) -> list[FirstLook]:
    """Return the look after each operation; that after the last one that was seen is empty."""
    looks: list[FirstLook] = []
    state: State = {}
    again: tuple[range, ...] = ()
    for operation, (answer, seen) in zip(reversed(operations), reversed(expected), strict=True):
        if seen is not None:
            state, again = seen, ()
        looks.append(FirstLook(state, again))
        if answer.rc != REFUSED:
            again += (_pages_used(operation),)
    return looks[::-1]


def _pages_used(operation: Operation) -> range:
    """Return the pages that an operation names; of one through the page cache, more than it uses."""
    match operation:
        case Write(page, count, _) | Read(page, count):
            return range(page, page + count)
        case Discard(offset, length) | Zeroout(offset, length) | ByteWrite(offset, length) | ByteRead(offset, length):
            return range(offset // PAGE_SIZE, -(-(offset + length) // PAGE_SIZE))
        case _:
            return range(0)


def times_of(operation: Operation, before: State, after: State, since: int, *, refused: bool = False) -> Times:
    """Return times, not before second `since`, at which `operation` led from one state to the other.

    The second is the earliest one where nothing says which: what was recorded next may be of the same.
    """
    latest = int(_clock(after))
    possible = range(min(max(since, int(_clock(before) - LATE)), latest), latest + 1)
    second = possible[0]
    if isinstance(operation, Store) and operation.attribute == "idle":
        if refused and not before.get("init"):
            second = next((each for each in possible if _is_below(operation.value, each)), second)
        else:
            marked = _marked(after)
            second = next((each for each in possible if _marks_by(operation.value, each, before) == marked), second)
    seconds = _table(after, "ts").items()
    return Times(second, {int(page): at for page, at in seconds if isinstance(at, int) and at in possible})


def _age(text: str) -> int | None:
    try:
        return parse_idle(text)
    except ZramError:
        return None


def _is_below(text: str, second: int) -> bool:
    """Return whether an age is below the uptime: only then the driver looks whether there are pages."""
    age = _age(text)
    return age is not None and age < second


def _marks_by(text: str, second: int, before: State) -> set[str] | None:
    """Return which pages are idle after an age was stored to `idle` in a second; None when it was something else."""
    age = _age(text)
    if age is None or age >= second:
        return None if age is None else _marked(before)
    seconds = _table(before, "ts")
    in_memory = [page for page, mark in _table(before, "bs").items() if not set(str(mark)) & {"s", "w"}]
    return {page for page in in_memory if _older(seconds.get(page), second - age)}


def _older(accessed: Json, second: int) -> bool:
    return isinstance(accessed, int) and accessed < second


def _marked(state: State) -> set[str]:
    return {page for page, mark in _table(state, "bs").items() if "i" in str(mark)}


def _table(state: State, key: str) -> dict[str, Json]:
    value = state.get(key)
    return value if isinstance(value, dict) else {}


def _clock(state: State) -> float:
    value = state.get("clk")
    return float(value) if isinstance(value, int | float) else 0.0
