"""Choosers of the operations that fail; any function from Operation to bool is one."""

import itertools
import random
from collections.abc import Iterable, Iterator

from zram_impl.faults.operation import Chosen, Kind, Operation


def always(_operation: Operation) -> bool:
    """Select every operation."""
    return True


def nth(*numbers: int, kind: Kind | None = None) -> Chosen:
    """Select those of these numbers, from 0; of one kind, or of any (each kind is counted apart)."""
    return lambda operation: operation.number in numbers and kind in (None, operation.kind)


def since(number: int, kind: Kind | None = None) -> Chosen:
    """Select every operation from this number on: a device that breaks."""
    return lambda operation: operation.number >= number and kind in (None, operation.kind)


def on_blocks(blocks: Iterable[int], kind: Kind | None = None) -> Chosen:
    """Select reads and writes that touch any of `blocks`: bad sectors."""
    bad = frozenset(blocks)
    return lambda operation: not bad.isdisjoint(operation.blocks) and kind in (None, operation.kind)


def at_random(chance: float, seed: int, kind: Kind | None = None) -> Chosen:
    """Select each operation with this chance; which, follows from seed, kind and number alone."""

    def chosen(operation: Operation) -> bool:
        if kind not in (None, operation.kind):
            return False
        return random.Random(f"{seed} {operation.kind} {operation.number}").random() < chance

    return chosen


class Nth:
    """A chooser of one operation, which notes whether that was reached."""

    def __init__(self, number: int, kind: Kind) -> None:
        self.number: int = number
        self.kind: Kind = kind
        self.reached: bool = False

    def __call__(self, operation: Operation) -> bool:
        """Return whether this is the one."""
        if (operation.number, operation.kind) != (self.number, self.kind):
            return False
        self.reached = True
        return True


def every_nth(kind: Kind = "write") -> Iterator[Nth]:
    """Yield a chooser of the first operation, the second, and so on, until one was not reached.

    What is run with each must make one filter of it; the last run is the one without a fault.
    """
    for number in itertools.count():
        chosen = Nth(number, kind)
        yield chosen
        if not chosen.reached:
            return
