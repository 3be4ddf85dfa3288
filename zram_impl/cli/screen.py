"""The output of a command: results on standard output, progress and problems on standard error.

Progress is a bar where standard error is a terminal and rich is installed, and a line now and then otherwise.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from textwrap import wrap
from time import monotonic
from typing import Final, TextIO

QUIET, PLAIN, VERBOSE = -1, 0, 1
"""Amount of what is written to stderr besides problems."""

_LINE_EVERY: Final = {PLAIN: 3.0, VERBOSE: 0.8}
"""Seconds between two lines of progress."""

_loudness = PLAIN

_FIRST_LINE: Final = 0.8
"""Seconds until the first line: nobody looks at nothing for more than one."""

_DRAW_EVERY: Final = 0.1
"""Seconds between two drawings of the bar. It is drawn by who makes the progress: no thread has to be stopped."""

_KIB: Final = 1024
_UNITS: Final = ("KiB", "MiB", "GiB")

Advance = Callable[[int, int], None]
"""Takes the part that is done, and the whole."""


def be(loud: int) -> None:
    """Be quiet, plain or verbose from now on, as the command line says; there is one in a process."""
    global _loudness  # noqa: PLW0603  (standard error belongs to the process, too)
    _loudness = loud


class OutputError(Exception):
    """Standard output takes no more; the cause is an OSError that says why."""


def open_streams() -> None:
    """Open the standard streams that the process was begun without, so that no file of ours gets their numbers."""
    for number, flags in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):  # to write results is an error then
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  (it is there until the end)
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  (likewise)


def say(text: str = "") -> None:
    """Print a line of the result; OutputError if it cannot be printed."""
    try:
        sys.stdout.write(text + "\n")
    except OSError as error:
        raise OutputError from error


def flush() -> None:
    """Have all lines of the result arrive; OutputError if they do not."""
    try:
        sys.stdout.flush()
    except OSError as error:
        raise OutputError from error


def complain(text: str) -> None:
    """Print a line about a problem, after the results so far; if there is nowhere to print it, it is lost."""
    flush()
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        give_up(sys.stderr)


def give_up(out: TextIO) -> None:
    """Have whatever is printed there from here on go nowhere, also by the interpreter at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, out.fileno())
    os.close(nowhere)


def section(title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print names and values under a title, in the columns there are."""
    most = _columns()
    _fold("", "", title, most)
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        _fold(f"  {name:<{width}}  ", " " * (width + 4), value, most)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a head: the first column to the left, the others to the right; if too wide, a line a cell."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    most = _columns()
    if most is not None and sum(widths) + 2 * (len(widths) - 1) > most:
        beside = max(map(len, head))
        for row in rows:
            for name, cell in zip(head, row, strict=True):
                _fold(f"{name:<{beside}}  ", " " * (beside + 2), cell, most)
            say()
        return
    for row in [head, ["-" * width for width in widths], *rows]:
        first, *others = (
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        say("  ".join([first, *others]).rstrip())


def _columns() -> int | None:
    """Return the columns to print in: those of COLUMNS, or of a terminal; None for anything else, which has no end."""
    named = os.environ.get("COLUMNS", "")
    if named.isdecimal() and int(named):
        return int(named)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (OSError, ValueError):  # no terminal, or not even a file
        return None


def _fold(begins: str, indent: str, text: str, most: int | None) -> None:
    """Print a paragraph in so many columns."""
    if most is None or len(begins) + len(text) <= most:
        say(begins + text)
    else:
        for line in wrap(text, most, initial_indent=begins, subsequent_indent=indent, break_long_words=False):
            say(line)


@contextmanager
def progress(title: str) -> Iterator[Advance]:
    """Show how far a step is, for as long as the context lasts."""
    if _loudness == QUIET:
        yield lambda _done, _total: None
        return
    if sys.stderr.isatty():
        try:
            from rich.console import Console  # noqa: PLC0415  (optional, and slow to import)
            from rich.progress import Progress  # noqa: PLC0415  (loaded only where it is drawn)
        except ImportError:
            pass
        else:
            with Progress(console=Console(stderr=True), auto_refresh=False, transient=True) as bar:
                task = bar.add_task(title, total=None)
                yield _seldom(
                    lambda done, total: bar.update(task, completed=done, total=total, refresh=True), _DRAW_EVERY
                )
            return
    began = monotonic()

    def say_so(done: int, total: int) -> None:
        complain(f"{title}: {done:,} of {total:,}{_left(done, total, monotonic() - began)}")

    yield _seldom(say_so, _LINE_EVERY[_loudness], _FIRST_LINE)


def _left(done: int, total: int, seconds: float) -> str:
    """Return the time that is left if the rest takes as long as what is done took; nothing where nobody knows."""
    if not 0 < done < total:
        return ""
    minutes, rest = divmod(round(seconds / done * (total - done)), 60)
    return f", {minutes}:{rest:02} left"


def _seldom(show: Advance, seconds: float, first: float = 0.0) -> Advance:
    """Let through one call every so many seconds, the first after `first` seconds."""
    due = monotonic() + (first or seconds)

    def advance(done: int, total: int) -> None:
        nonlocal due
        if monotonic() >= due:
            due = monotonic() + seconds
            show(done, total)

    return advance


def size(count: float) -> str:
    """Return a number of bytes for people."""
    if count < _KIB:
        return f"{count:,.0f} bytes"
    power = 1
    while count >= _KIB ** (power + 1) and power < len(_UNITS):
        power += 1
    return f"{count / _KIB**power:,.1f} {_UNITS[power - 1]}"
