"""Operations that a fault can select, and their count."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from zram_impl.runtime import native_lock

Kind = Literal["write", "read", "sync", "allocate", "spawn"]


class Operation(NamedTuple):
    """One call that a filter passes on or makes fail."""

    kind: Kind
    number: int
    """Number of its kind that the filter has seen before."""
    blk_idx: int = 0
    """First block of a read or write."""
    pages: int = 0
    """Blocks of a read or write."""

    @property
    def blocks(self) -> range:
        """The blocks of a read or write."""
        return range(self.blk_idx, self.blk_idx + self.pages)


Chosen = Callable[[Operation], bool]
"""Chooser: returns whether an operation is to fail. Called once for each, in any thread, with no lock held."""


class Selection:
    """The count of operations, and those that were selected."""

    def __init__(self, when: Chosen) -> None:
        self.when: Chosen = when
        self._lock = native_lock()  # guards both below; held for a moment, in which nothing is called
        self._seen: dict[Kind, int] = {}
        self._selected: list[Operation] = []

    def selected(self) -> tuple[Operation, ...]:
        """Return the operations selected so far."""
        with self._lock:
            return tuple(self._selected)

    def select(self, kind: Kind, blk_idx: int = 0, pages: int = 0) -> Operation | None:
        """Count an operation that begins; return it when it is to be selected."""
        with self._lock:
            number = self._seen.get(kind, 0)
            self._seen[kind] = number + 1
        operation = Operation(kind, number, blk_idx, pages)
        if not self.when(operation):
            return None
        with self._lock:
            self._selected.append(operation)
        return operation
