"""Searches under way, a line each: states of those expected, states a second, depth, frontier."""

import time
from collections.abc import Mapping
from typing import TextIO

from spec.explore.workers import ExploreProgress
from spec.processes.progress import PLAIN, Progress, left


class Drawing:
    """Draws searches; `done` takes them off again."""

    def __init__(self, expected: Mapping[str, int | None], out: TextIO, loud: int = PLAIN) -> None:
        """Draw searches by their names, each with the number of states it will visit, None if nobody knows."""
        self._expected = expected
        self._progress = Progress(out, loud)
        self._last: dict[str, tuple[ExploreProgress, float]] = {}
        self._began: dict[str, float] = {}
        self._newest = next(iter(expected), "")

    def __call__(self, progress: ExploreProgress) -> None:
        """Show how far a search has come."""
        now = time.monotonic()
        self._began.setdefault(progress.name, now)
        self._last[progress.name] = progress, now
        self._newest = progress.name
        self.tick()

    def tick(self) -> None:
        """Draw anew, if it is time to."""
        self._progress.show(lambda: [self._line(name) for name in self._shown()])

    def so_far(self, name: str) -> str:
        """Return how far a search had come, in words; nothing if it had not begun."""
        if name not in self._last:
            return ""
        at, _now = self._last[name]
        return f"{name}: {at.states:,} states to depth {at.depth} searched, no property broken"

    def done(self) -> None:
        """Take the lines off the terminal."""
        self._progress.done()

    def _shown(self) -> list[str]:
        return list(self._expected) if self._progress.live else [self._newest]

    def _line(self, name: str) -> str:
        if name not in self._last:
            return f"{name:<10} waits"
        at, now = self._last[name]
        seconds, expected = now - self._began[name], self._expected[name]
        rate = at.states / seconds if seconds else 0.0
        text = f"{name:<10} {at.states:>10,} "
        text += f"of {expected:,} states" if expected else "states"
        text += f"  {rate:>8,.0f}/s  depth {at.depth:>3}  frontier {at.frontier:>8,}"
        if expected and rate:
            text += f"  {left((expected - at.states) / rate)}"
        return text
