"""What a fault may strike, and who keeps count of it."""

import threading
from collections.abc import Callable
from typing import Literal, NamedTuple

Kind = Literal["write", "read", "sync", "allocate", "spawn"]


class Operation(NamedTuple):
    """One call that a filter lets through or strikes."""

    kind: Kind
    number: int
    """How many of its kind the filter has seen before."""
    blk_idx: int = 0
    """First block of a read or write."""
    pages: int = 0
    """Blocks of a read or write."""

    @property
    def blocks(self) -> range:
        """The blocks of a read or write."""
        return range(self.blk_idx, self.blk_idx + self.pages)


Chosen = Callable[[Operation], bool]
"""Whether an operation is to be struck; called once for each, in any thread, with no lock held."""


class Strikes:
    """Counts operations and notes which were struck."""

    def __init__(self, when: Chosen) -> None:
        self.when = when
        self._lock = threading.Lock()  # guards both below; held for a moment, and nothing is called meanwhile
        self._seen: dict[Kind, int] = {}
        self._struck: list[Operation] = []

    def struck(self) -> tuple[Operation, ...]:
        """Return the operations struck so far."""
        with self._lock:
            return tuple(self._struck)

    def strike(self, kind: Kind, blk_idx: int = 0, pages: int = 0) -> Operation | None:
        """Count an operation that begins; return it when it is to be struck."""
        with self._lock:
            number = self._seen.get(kind, 0)
            self._seen[kind] = number + 1
        operation = Operation(kind, number, blk_idx, pages)
        if not self.when(operation):
            return None
        with self._lock:
            self._struck.append(operation)
        return operation
