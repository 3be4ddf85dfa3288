"""Searches that several tests look at, each made once in a process: a search has the same outcome for all of them."""

from collections.abc import Iterable
from functools import cache

from spec.explore import bfs
from spec.explore.result import ExploreResult
from spec.model.actions import ACTIONS, Action
from spec.scope import Scope
from tests.unmeasured import nothing_measured


def search_once(
    scope: Scope, actions: Iterable[Action] = ACTIONS, _progress: bfs.Report | None = None, *, symmetry: bool = False
) -> ExploreResult:
    """Do as `bfs.search`, which says nothing of its progress."""
    return _outcome(scope, tuple(actions), symmetry=symmetry)


@cache
def _outcome(scope: Scope, actions: tuple[Action, ...], *, symmetry: bool) -> ExploreResult:
    with nothing_measured():  # the same lines, millions of times
        return bfs.search(scope, actions, symmetry=symmetry)
