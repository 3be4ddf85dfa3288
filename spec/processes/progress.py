"""Progress of something long, on standard error: lines redrawn on a terminal, elsewhere a line now and then.

On a terminal something is there at once, elsewhere within a second. Nothing is drawn by a thread of its own: one that
holds a lock of the output would have to be waited for.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final, Generic, TextIO, TypeVar

from spec.processes.columns import columns

T = TypeVar("T")

QUIET: Final = -1
PLAIN: Final = 0
VERBOSE: Final = 1

FIRST_SECONDS: Final = 0.8
"""Until the first line where there is no terminal."""
SAY_SECONDS: Final = {PLAIN: 5.0, VERBOSE: 1.0}
"""Between two lines where there is no terminal, by how much was asked for."""
_REDRAW: Final = 0.1
_COLUMNS: Final = 80
_MINUTE: Final = 60

Lines = Callable[[], Sequence[str]]
"""Returns what is under way, a line each; called only when it is drawn."""


class Progress:
    """Draws what is under way; `done` takes it off a terminal again."""

    def __init__(self, out: TextIO, loud: int = PLAIN) -> None:
        self._out = out
        self._live = out.isatty()
        self._quiet = loud == QUIET
        self._every = _REDRAW if self._live else SAY_SECONDS.get(loud, SAY_SECONDS[PLAIN])
        self._drawn = 0
        self.began = time.monotonic()
        self._due = self.began + (0 if self._live else FIRST_SECONDS)

    @property
    def seconds(self) -> float:
        """Return how long it has been under way."""
        return time.monotonic() - self.began

    @property
    def live(self) -> bool:
        """Return whether lines are redrawn."""
        return self._live

    def show(self, lines: Lines) -> None:
        """Draw the lines, if it is time to."""
        now = time.monotonic()
        if self._quiet or now < self._due:
            return
        self._due = now + self._every
        shown = lines()
        if self._live:
            self._erase()
            self._drawn = len(shown)
            width = (columns(self._out) or _COLUMNS) - 1  # a line that fills the last column is two on some terminals
            shown = [cut(line, width) for line in shown]
        self._out.write("".join(f"{line}\n" for line in shown))
        self._out.flush()

    def done(self) -> None:
        """Take the lines off the terminal."""
        self._erase()
        self._out.flush()

    def _erase(self) -> None:
        if self._drawn:
            self._out.write(f"\x1b[{self._drawn}F\x1b[J")  # up to the first line, erase from there
            self._drawn = 0


class KnownProgress(Generic[T]):
    """Number of those done, of all, and what is known of them by now.

    Attributes:
        known: Of each that is done; the caller's list.
    """

    def __init__(self, total: int, say: Callable[[str, Sequence[T]], str], out: TextIO, loud: int = PLAIN) -> None:
        """`say` makes the line that is drawn of how many are done and of what is known."""
        self._total = total
        self._say = say
        self._progress = Progress(out, loud)
        self.known: Sequence[T] = ()

    def __call__(self, known: Sequence[T]) -> None:
        """Take note of what is known by now."""
        self.known = known
        self.tick()

    def tick(self) -> None:
        """Draw anew, if it is time to."""
        self._progress.show(self._lines)

    def done(self) -> None:
        """Take the line off the terminal."""
        self._progress.done()

    def _lines(self) -> Sequence[str]:
        return [self._say(share(len(self.known), self._total, self._progress.seconds), self.known)]


def cut(line: str, width: int) -> str:
    """Return a line that is not longer than `width` characters."""
    return line if len(line) <= width else f"{line[: max(0, width - 1)]}…"


def share(done: int, total: int, seconds: float) -> str:
    """Return `k of n`, and the time that is left if the rest takes as long as what is done took."""
    of = f"{done:,} of {total:,}"
    return f"{of}, {left(seconds / done * (total - done))}" if 0 < done < total else of


def left(seconds: float) -> str:
    """Return a time that is left, for people."""
    minutes, rest = divmod(max(0, round(seconds)), _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours}:{minutes:02}:{rest:02} left" if hours else f"{minutes}:{rest:02} left"
