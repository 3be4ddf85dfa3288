"""Bounds of a search: sizes, and switches for the kinds of steps it may take."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from spec.model.actions import ACTIONS, Action
from spec.model.state import Budget, State, initial


class Scope(NamedTuple):
    """Sizes and switches. The product of everything is too large for every run, so each switch may be 0."""

    slots: int = 3
    blocks: int = 2
    requests: int = 2
    limit: int = 2
    """Blocks that may be written; negative leaves the budget disabled."""
    readers: int = 0
    """Concurrent reads of written-back pages, and pages kept."""
    stores: int = 0
    """Times that the limit may be stored (0 or the initial limit)."""
    toggles: int = 0
    huge: int = 0
    idle: int = 0
    recompress: int = 0
    resets: int = 0
    """Times that the device may be reset."""
    keeps: int = 0
    """Pages that were read from the backing device may be kept: as many as there are readers without a read."""

    def initial(self) -> State:
        """Return the state a search begins in."""
        return initial(self.slots, self.blocks, self.requests, self.limit if self.limit >= 0 else None, self.readers)

    def admits(self, budget: Budget) -> bool:
        """Return whether the search continues with this budget: the number of grants bounds stores and resets."""
        return budget.grant <= 1 + self.stores + self.resets

    def label(self) -> str:
        """Return the sizes and the switches that are on."""
        sizes = f"{self.slots}/{self.blocks}/{self.requests}, " + (
            f"limit {self.limit}" if self.limit >= 0 else "no limit"
        )
        switches = [f"{name} {value}" for name, value in self._asdict().items() if name not in _SIZES and value]
        return ", ".join([sizes, *switches])


_SIZES: Final = ("slots", "blocks", "requests", "limit")
_CANONICAL: Final = {"free_block": "block", "idle_request": "request", "idle_reader": "reader"}


class ActionChoice(NamedTuple):
    """An action with its parameters but for the last, and the values the last may have.

    Without a parameter `args` is the only choice. A canonical choice takes the first value the guard accepts.
    """

    action: Action
    args: tuple[tuple[int, ...], ...]
    canonical: bool


def domain(scope: Scope, over: str) -> Iterable[int]:
    """Return the values of a parameter."""
    sizes = {
        "slot": scope.slots,
        "block": scope.blocks,
        "request": scope.requests,
        "reader": scope.readers,
        "huge": 1 + scope.huge,
    }
    if over == "limit":
        return sorted({0, max(scope.limit, 1)})
    return range(sizes[_CANONICAL.get(over, over)])


def choices(scope: Scope, actions: Iterable[Action] = ACTIONS) -> Iterator[ActionChoice]:
    """Yield every choice a step of this scope has."""
    for action in actions:
        if action.switch and not getattr(scope, action.switch):
            continue
        canonical = bool(action.over) and action.over[-1] in _CANONICAL
        *first, last = [list(domain(scope, over)) for over in action.over] or [[]]
        if not action.over:
            yield ActionChoice(action, ((),), canonical=False)
            continue
        for prefix in itertools.product(*first):
            yield ActionChoice(action, tuple((*prefix, value) for value in last), canonical)


# The scopes of every run: requests in flight, reads during writeback, limits stored during writeback, all marks, and
# pages that are kept.
EVERY_RUN: Final = {
    "base": Scope(3, 2, 2, 2),
    "readers": Scope(2, 2, 2, 2, readers=1),
    "limits": Scope(2, 2, 1, 2, stores=1, toggles=1),
    "flags": Scope(2, 1, 1, 1, huge=1, idle=1, recompress=1, resets=1),
    "kept": Scope(2, 1, 1, 2, readers=1, resets=1, keeps=1),
}

# Larger ones for a night, with symmetry: more pages, more blocks, more reads and kept pages, more grants, marks while
# two fly.
NIGHTLY: Final = {
    "everything": Scope(2, 1, 1, 1, readers=1, stores=1, toggles=1, huge=1, idle=1, recompress=1, resets=1),
    "granting": Scope(3, 2, 2, 2, stores=1, toggles=1),
    "deep": Scope(4, 3, 3, 3),
    "wide": Scope(5, 3, 2, 2),
    "reading": Scope(3, 2, 2, 2, readers=1),
    "two_reads": Scope(2, 2, 2, 2, readers=2),
    "two_kept": Scope(2, 2, 2, 2, readers=2, keeps=1),
    "marking": Scope(3, 2, 1, 2, huge=1, idle=1, recompress=1, resets=1),
    "large": Scope(4, 3, 2, 2),
}
