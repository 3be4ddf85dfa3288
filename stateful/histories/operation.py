"""An operation on one page, as whoever did it saw it."""

from typing import Literal, NamedTuple

ZERO = 0
"""The value of a page of zeros: what every page is at first, and after each discard."""
FOREIGN = -1
"""The value of bytes that nobody ever wrote to that page."""


class Op(NamedTuple):
    """A write or read of a whole page. A discard is a write of ZERO; every other value is written once."""

    task: str
    kind: Literal["write", "read"]
    value: int
    start: int
    """Nanoseconds, on one clock for all tasks, before the call."""
    end: int
    """After it returned."""
