"""Several searches at a time, each in a process of its own."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from spec.explore.bfs import search
from spec.explore.result import ExploreResult
from spec.processes.runner import Ended, ProcessTask, Send, run
from spec.scope import Scope


class ExploreProgress(NamedTuple):
    """The extent of a search so far."""

    name: str
    depth: int
    states: int
    frontier: int


Report = Callable[[ExploreProgress], None]
"""Called several times a second for each search under way."""


class SearchDied(Exception):  # noqa: N818  (it says what happened)
    """A process ended without a result; most often it needed more memory than there is."""


def search_each(
    scopes: Mapping[str, Scope],
    progress: Report | None = None,
    processes: int = 2,
    *,
    symmetry: bool = False,
    found: dict[str, ExploreResult] | None = None,
    tick: Callable[[], None] = lambda: None,
) -> list[ExploreResult]:
    """Search all of `scopes`, some at a time, and return the results in their order.

    With `symmetry`, states that differ only by a permutation of indices are visited once. `found` gets each result as
    soon as it is there; `tick` is called several times a second.

    Raises:
        SearchDied: A search ended without a result.
    """
    names = list(scopes)
    found = {} if found is None else found

    def received(_index: int, message: object) -> None:
        if progress and isinstance(message, ExploreProgress):
            progress(message)

    def ended(index: int, how: Ended) -> None:
        if not isinstance(how.result, ExploreResult):
            raise SearchDied(f"the search of {names[index]} ended early: {how.last_words()}")
        found[names[index]] = how.result

    tasks = [ProcessTask(partial(_task, name, scope, symmetry=symmetry)) for name, scope in scopes.items()]
    run(tasks, ended, received, lambda _running: tick(), processes)
    return [found[name] for name in scopes]


def _task(name: str, scope: Scope, send: Send, *, symmetry: bool) -> ExploreResult:
    def report(depth: int, states: int, frontier: int) -> None:
        send(ExploreProgress(name, depth, states, frontier))

    return search(scope, progress=report, symmetry=symmetry)
