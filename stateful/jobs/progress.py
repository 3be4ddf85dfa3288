"""Progress of checks and notes about them on stderr, results on stdout."""

import sys
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self, TextIO

from spec.processes.progress import PLAIN, QUIET, Progress

if TYPE_CHECKING:
    from rich.console import Console


class ProgressLine(NamedTuple):
    """A check under way."""

    name: str
    seconds: float
    said: str


class ProgressDisplay:
    """Lines on stderr while checks run; a context manager that takes them off a terminal."""

    def __init__(self, loud: int = PLAIN, out: TextIO | None = None) -> None:
        self._out = sys.stderr if out is None else out
        self._loud = loud
        self._progress = Progress(self._out, loud)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None
    ) -> None:
        self.clear()

    def show(self, lines: Iterable[ProgressLine], head: str = "") -> None:
        """Draw the lines of the running checks, below a line on all of them if there is one."""
        self._progress.show(lambda: [*[head][: bool(head)], *_lines(list(lines), live=self._progress.live)])

    def note(self, text: str) -> None:
        """Print a line that stays, above the others."""
        if self._loud != QUIET:
            self.clear()
            self._out.write(f"{text}\n")
            self._out.flush()

    def clear(self) -> None:
        """Take the lines off the terminal, before anything else is printed there."""
        self._progress.done()


def say(console: "Console", text: str) -> None:
    """Print text without markup; off a terminal without line breaks."""
    console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=not console.is_terminal)


def complain(text: str) -> None:
    """Print an error to stderr."""
    from rich.console import Console  # noqa: PLC0415  (35 ms, and the process of a job prints nothing)

    say(Console(stderr=True), f"error: {text}")


def _lines(lines: list[ProgressLine], *, live: bool) -> list[str]:
    if not live:
        return [f"...   {line.name}: {line.said or 'begins'}" for line in lines]
    names = max((len(line.name) for line in lines), default=0)
    times = [f"{line.seconds:.0f} s" for line in lines]
    width = max(map(len, times), default=0)
    return [f"{line.name:<{names}}  {time:>{width}}  {line.said}" for line, time in zip(lines, times, strict=True)]
