"""Two things measured against each other: in turns, piece by piece, so that a noisy machine disturbs both alike."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter
from typing import NamedTuple

from zram_impl.cli.stop import Stop

Measure = Callable[[int], float]
"""Does the piece of that number and returns the seconds that count."""


class Paired(NamedTuple):
    """The outcome: medians over all pairs.

    Attributes:
        yardstick: Seconds one piece of the first takes.
        measured: Seconds one piece of the second takes.
        ratio: Median of measured / yardstick of each pair, which is steadier than the quotient of the medians.
    """

    yardstick: float
    measured: float
    ratio: float


def paired(yardstick: Measure, measured: Measure, pieces: int, rounds: int, stop: Stop) -> Paired:
    """Do pieces 0 to `pieces` of both in turns, `rounds` times after one round that only warms up."""
    pairs: list[tuple[float, float]] = []
    with _no_collections():
        for turn in range(rounds + 1):
            for piece in range(pieces):
                stop.check()
                # Who comes second finds the piece in the processor's cache: that goes to each as often.
                if (turn + piece) % 2:
                    y, m = yardstick(piece), measured(piece)
                else:
                    m, y = measured(piece), yardstick(piece)
                if turn:
                    pairs.append((y, m))
    return Paired(median(y for y, _ in pairs), median(m for _, m in pairs), median(m / y for y, m in pairs))


def timed(do: Callable[[int], None], clock: Callable[[], float] = perf_counter) -> Measure:
    """Measure all of `do`."""

    def seconds(piece: int) -> float:
        began = clock()
        do(piece)
        return clock() - began

    return seconds


@contextmanager
def _no_collections() -> Iterator[None]:
    """Keep the cycle collector from running in one of two measurements."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
