"""The result of a search."""

from collections import Counter
from typing import NamedTuple

from spec.model.state import State
from spec.scope import Scope


class RunStep(NamedTuple):
    """A step of a run."""

    action: str
    args: tuple[int, ...]
    after: State


class Counterexample(NamedTuple):
    """A shortest way to break a property."""

    name: str
    """Of the function that says the property."""
    sentence: str
    steps: tuple[str, ...]
    before: State
    after: State
    start: State | None = None
    """The state before the first step; None when only the end is known."""
    taken: tuple[RunStep, ...] = ()
    """The steps once more, as data."""


class ExploreResult(NamedTuple):
    """The result of a search."""

    scope: Scope
    states: int
    transitions: int
    depth: int
    seconds: float
    fired: Counter[str]
    """Transitions by action."""
    always: int
    """Number of clauses and step properties that were checked."""
    sometimes: int
    """Number of SOMETIMES sentences of this scope, the actions that must be taken included."""
    never: tuple[str, ...]
    """Those of them that were never seen; only after a complete search."""
    broken: Counterexample | None
    symmetry: bool = False
    """States that differ only in numbers were visited once."""

    @property
    def label(self) -> str:
        """Return what was searched, and how."""
        return self.scope.label() + ", symmetry" * self.symmetry
