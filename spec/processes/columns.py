"""Text that fits into the columns there are: tables and paragraphs."""

import os
import textwrap
from collections.abc import Container, Iterator, Sequence
from typing import TextIO


def columns(out: TextIO) -> int | None:
    """Return the columns to print in: those of COLUMNS, or of a terminal; None for anything else, which has no end."""
    named = os.environ.get("COLUMNS", "")
    if named.isdecimal() and int(named):
        return int(named)
    try:
        return os.get_terminal_size(out.fileno()).columns or None
    except (OSError, ValueError):  # no terminal, or not even a file
        return None


def laid_out(rows: Sequence[Sequence[str]], left: Container[int], most: int | None = None) -> list[str]:
    """Return a table as lines, its header first: a line a row or, where that does not fit, a line a cell.

    Args:
        rows: The header and the rows, of one length.
        left: Numbers of the columns whose cells begin at the left; the others end at the right.
        most: Characters of a line.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_line(row, widths, left) for row in rows]
    return lines if most is None or max(map(len, lines)) <= most else list(_stacked(most, *rows))


def _line(row: Sequence[str], widths: Sequence[int], left: Container[int]) -> str:
    cells = enumerate(zip(row, widths, strict=True))
    return "  ".join(cell.ljust(width) if i in left else cell.rjust(width) for i, (cell, width) in cells).rstrip()


def _stacked(most: int, header: Sequence[str], *rows: Sequence[str]) -> Iterator[str]:
    width = max(map(len, header))
    for number, row in enumerate(rows):
        yield from [""][:number]
        for name, cell in zip(header, row, strict=True):
            if cell:
                yield from folded(cell, most, " " * (width + 2), first=f"{name:<{width}}  ")


def folded(text: str, most: int | None, indent: str = "", *, first: str | None = None) -> list[str]:
    """Return a paragraph as lines, each with the indent; the first one has its own if there is one."""
    begins = indent if first is None else first
    if most is None:
        return [begins + text]
    return textwrap.wrap(text, most, initial_indent=begins, subsequent_indent=indent, break_long_words=False)
