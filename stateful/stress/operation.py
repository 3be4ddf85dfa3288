"""An operation on one page, as its caller saw it."""

from typing import Literal, NamedTuple

ZERO = 0
"""The value of a page of zeros: what every page is at first, and after each discard."""
FOREIGN = -1
"""The value of bytes that nobody ever wrote to any page."""


def of_another_page(page: int) -> int:
    """Return the value of bytes that were written to `page`, where they were read from another one."""
    return FOREIGN - 1 - page


def name_of(value: int) -> str:
    """Return what a value that nobody wrote to the page is called."""
    return "bytes that nobody wrote" if value == FOREIGN else f"bytes of page {FOREIGN - 1 - value}"


class PageOperation(NamedTuple):
    """A write or read of a whole page. A discard is a write of ZERO; every other value is written once."""

    task: str
    kind: Literal["write", "read"]
    value: int
    start: int
    """Nanoseconds, on one clock for all tasks, before the call."""
    end: int
    """After it returned."""
