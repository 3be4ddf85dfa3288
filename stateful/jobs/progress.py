"""Progress of checks: lines redrawn on a terminal, elsewhere a line every few seconds."""

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Final, NamedTuple, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

PLAIN_SECONDS: Final = 5.0
"""Seconds between two lines of progress where there is no terminal."""


class ProgressLine(NamedTuple):
    """A check under way."""

    name: str
    seconds: float
    said: str


class ProgressDisplay:
    """Lines on the screen while checks run; a context manager that removes them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        # No thread draws: one that holds a lock of the output would have to be waited for.
        self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stderr=False)
        self._due = time.monotonic() + PLAIN_SECONDS

    def __enter__(self) -> Self:
        if self._console.is_interactive:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, lines: Iterable[ProgressLine]) -> None:
        """Draw the lines of the running checks."""
        if self._console.is_interactive:
            self._live.update(_lines(lines), refresh=True)
        elif time.monotonic() > self._due:
            self._due = time.monotonic() + PLAIN_SECONDS
            for line in lines:
                say(self._console, f"...   {line.name}: {line.said or 'begins'}")


def say(console: Console, text: str) -> None:
    """Print text without markup; off a terminal without line breaks."""
    console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=not console.is_terminal)


def complain(text: str) -> None:
    """Print an error to stderr."""
    say(Console(stderr=True), f"error: {text}")


def _lines(lines: Iterable[ProgressLine]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column()  # narrowed when not all fit
    for line in lines:
        said = Text(line.said, no_wrap=True, overflow="ellipsis")
        grid.add_row(Text(line.name, style="cyan"), f"{line.seconds:.0f} s", said)
    return grid
