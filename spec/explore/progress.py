"""Searches under way, drawn: lines that change on a terminal, else a line now and then."""

import time
from collections.abc import Sequence
from typing import Final, TextIO

from spec.explore.workers import ExploreProgress

_REDRAW: Final = 0.1
_SAY: Final = 5.0


class Drawing:
    """Draws one line a search; `done` takes them off again."""

    def __init__(self, names: Sequence[str], out: TextIO) -> None:
        self._out = out
        self._live = out.isatty()
        self._last = dict.fromkeys(names, "waits")
        self._began: dict[str, float] = {}
        self._drawn = 0
        self._due = time.monotonic() + (0 if self._live else _SAY)

    def __call__(self, progress: ExploreProgress) -> None:
        """Show how far a search has come."""
        now = time.monotonic()
        began = self._began.setdefault(progress.name, now)
        rate = progress.states / (now - began) if now > began else 0.0
        come = f"{progress.states:>10,} states  {rate:>8,.0f}/s"
        self._last[progress.name] = f"{come}  depth {progress.depth:>3}  frontier {progress.frontier:>8,}"
        if now < self._due:
            return
        self._due = now + (_REDRAW if self._live else _SAY)
        if self._live:
            self._erase()
            self._drawn = len(self._last)
        shown = self._last if self._live else [progress.name]
        for name in shown:
            self._out.write(f"{name:<10} {self._last[name]}\n")
        self._out.flush()

    def done(self) -> None:
        """Take the lines off the terminal."""
        self._erase()
        self._out.flush()

    def _erase(self) -> None:
        if self._drawn:
            self._out.write(f"\x1b[{self._drawn}F\x1b[J")  # up to the first line, erase from there
            self._drawn = 0
