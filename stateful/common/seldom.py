"""A cycle collector that runs seldom: else a part of the time of short runs, each of which leaves cycles behind."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_OBJECTS: Final = 100_000
"""New objects after which it runs: those of about fifty runs of a scenario, some MiB."""


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Let the collector of this process run seldom while the context lasts."""
    before = gc.get_threshold()
    gc.set_threshold(_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
