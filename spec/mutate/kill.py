"""The fate of a mutant of the specification: refuted by the search, refuted by z3, or equivalent.

The search covers scopes that take a fraction of a second, and pinned counts are not compared: a mutant has to break a
property, leave something unseen that should be seen, or crash. z3 is asked the questions of `z3_proof`. Where neither
refutes it, z3 is asked whether guards and effects are what they were, in every state that the invariant allows,
and which of its clauses that rests on.
"""

import itertools
import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from importlib import import_module
from typing import Final, NamedTuple

import z3

from spec.explore.result import ExploreResult
from spec.model.actions import ACTIONS, Action
from spec.model.invariant import CLAUSES
from spec.model.state import State, initial
from spec.model.terms import same
from spec.mutate.importer import mutate
from spec.mutate.mutants import SpecMutant, users
from spec.processes.runner import Send
from spec.prove.obligations import Sizes, parameters, sized
from spec.prove.verdict import REFUTED, ProofVerdict
from spec.prove.z3_proof import DEVICE
from spec.prove.z3_terms import any_state, truth, unknown
from spec.scope import Scope

SCOPES: Final = (
    Scope(2, 1, 1, 1, readers=1, keeps=1),
    Scope(2, 1, 1, 1, huge=1, idle=1, recompress=1, resets=1),
    Scope(1, 1, 1, 1, readers=1, stores=1, toggles=1, resets=1, keeps=1),
    Scope(2, 2, 2, 2),
)
SIZES: Final = (Sizes(2, 1, 1, readers=1), Sizes(2, 2, 2, readers=1))
EQUAL_AT: Final = (*SIZES, Sizes(3, 2, 2, readers=1))

SECONDS: Final = 60
"""A mutant that takes longer is not refuted."""
_MILLISECONDS: Final = 10_000
_MANY: Final = 40_000
"""States that none of the scopes has: a search that finds more would not end."""


_CRASH: Final = "crash: "


class SpecFate(NamedTuple):
    """The fate of a mutant."""

    name: str
    by_search: str = ""
    """The property that the search found broken or unseen, or how it crashed; empty when it completed."""
    by_z3: str = ""
    counts: bool = False
    """A search that completed counted other numbers than expected."""
    rests_on: tuple[str, ...] | None = None
    """The clauses because of which it says the same as before; None when it was not asked, or does not."""
    seconds: float = 0.0

    @property
    def refuted(self) -> bool:
        """Return whether it was found out."""
        return bool(self.by_search or self.by_z3)

    @property
    def crashed(self) -> bool:
        """Return whether it was found out by nothing but a crash."""
        return all(said.startswith(_CRASH) for said in (self.by_search, self.by_z3) if said) and self.refuted


def fate(mutant: SpecMutant, counts: Sequence[tuple[int, int, int]], *, by_both: bool = True) -> SpecFate:
    """Find out what becomes of a mutant, in this process, where the specification is a mutant from now on.

    Without `by_both`, z3 is not asked about one that the search refutes.
    """
    began = time.perf_counter()
    concerned = users(mutant)
    mutate(mutant)
    by_search, different = _searched(counts)
    # what says the same in every state that the invariant allows breaks nothing
    rests_on = None if by_search else _equal(concerned)
    by_z3 = _proved(concerned) if rests_on is None and (by_both or not by_search) else ""
    return SpecFate(mutant.name, by_search, by_z3, different, rests_on, time.perf_counter() - began)


@cache
def counted() -> list[tuple[int, int, int]]:
    """Return what the searches count when nothing is wrong."""
    return [_counts(_search()(scope, _actions(), None)) for scope in SCOPES]


def _counts(outcome: ExploreResult) -> tuple[int, int, int]:
    return outcome.states, outcome.transitions, outcome.depth


Report = Callable[[int, int, int], None]


def _search() -> Callable[[Scope, Sequence[Action], Report | None], ExploreResult]:
    found: Callable[[Scope, Sequence[Action], Report | None], ExploreResult] = import_module("spec.explore.bfs").search
    return found


def _actions() -> tuple[Action, ...]:
    found: tuple[Action, ...] = import_module("spec.model.actions").ACTIONS
    return found


class _Endless(Exception):  # noqa: N818  (what a search is, not an error)
    """A search finds more states than there should be by far."""


def _searched(counts: Sequence[tuple[int, int, int]]) -> tuple[str, bool]:
    """Return what the search found, and whether it counted something else."""
    different = False

    def report(_depth: int, states: int, _frontier: int) -> None:
        if states > _MANY:
            raise _Endless

    try:
        search, scope = _search(), import_module("spec.scope").Scope
        for sizes, expected in zip(SCOPES, counts, strict=True):
            try:
                outcome = search(scope(*sizes), _actions(), report)
            except _Endless:
                different = True
                continue
            if outcome.broken:
                return f"{outcome.broken.name} ({len(outcome.broken.steps)})", different
            if outcome.never:
                return f"never: {outcome.never[0]}", different
            different |= _counts(outcome) != expected
    except Exception as error:  # whatever a mistake leads to
        return f"{_CRASH}{type(error).__name__}", different
    return "", different


def _proved(first: Sequence[str]) -> str:
    """Return the first condition that z3 refutes; those on the actions named are asked about first."""
    try:
        prove: Callable[[Sizes, Sequence[Action], Sequence[str]], Iterator[ProofVerdict]]
        prove = import_module("spec.prove.z3_proof").prove
        others = [name for name in (DEVICE, *(action.name for action in ACTIONS)) if name not in first]
        for sizes in SIZES:
            for names in (first, others):
                for verdict in prove(sizes, _actions(), names) if names else ():
                    if REFUTED in {verdict.said, *_vacuous(verdict)}:
                        return verdict.condition
    except Exception as error:  # whatever a mistake leads to
        return f"{_CRASH}{type(error).__name__}"
    return ""


def _vacuous(verdict: ProofVerdict) -> Iterable[str]:
    """Say that a condition is refuted if what it assumes cannot be so."""
    return [REFUTED] * verdict.vacuity_said.startswith("vacuous")


def _equal(concerned: Sequence[str]) -> tuple[str, ...] | None:
    """Return the clauses because of which guards, effects and the fresh device are what they were, if they are."""
    begin: Callable[[int, int, int, int | None, int], State] = import_module("spec.model.state").initial
    if any(begin(5, 4, 3, limit, 2) != initial(5, 4, 3, limit, 2) for limit in (None, 0, 1)):
        return None
    rests_on: set[str] = set()
    for sizes, (mine, other) in itertools.product(EQUAL_AT, zip(ACTIONS, _actions(), strict=True)):
        if mine.name in concerned:
            try:
                found = _equal_action(sizes, mine, other)
            except Exception:  # whatever a mistake leads to
                found = None
            if found is None:
                return None
            rests_on |= found
    return tuple(clause.__name__ for clause in CLAUSES if clause.__name__ in rests_on)


def _equal_action(sizes: Sizes, mine: Action, other: Action) -> set[str] | None:
    s, args = any_state(sizes), tuple([unknown(name) for name in parameters(mine)])
    solver = z3.Solver()
    solver.set("timeout", _MILLISECONDS)
    solver.set("core.minimize", True)
    solver.add(truth(sized(sizes, mine, args)))
    for clause in CLAUSES:
        solver.assert_and_track(truth(clause(s)), clause.__name__)
    guard = mine.guard(s, *args)
    rests_on: set[str] = set()
    effects = same(mine.effect(s, *args), other.effect(s, *args))
    for assumed, claim in ((truth(True), guard == other.guard(s, *args)), (truth(guard), effects)):
        solver.push()
        solver.add(assumed, z3.Not(truth(claim)))
        if solver.check() != z3.unsat:
            return None
        rests_on |= {str(each) for each in solver.unsat_core()}
        solver.pop()
    return rests_on


def fates(
    mutants: Iterable[SpecMutant], counts: Sequence[tuple[int, int, int]], *, by_both: bool = True
) -> Iterator[SpecFate]:
    """Yield what becomes of each, each in a process of its own."""
    for mutant in mutants:
        yield _apart(partial(fate, mutant, counts, by_both=by_both), mutant.name)


def _apart(find_out: Callable[[], SpecFate], name: str) -> SpecFate:
    here, there = os.pipe()
    process = os.fork()  # there is one thread, so a copy is as good as new
    if not process:
        os.close(here)
        signal.alarm(SECONDS)
        try:
            with open(there, "w", encoding="utf-8") as pipe:
                json.dump(find_out(), pipe)
        finally:
            os._exit(0)
    os.close(there)
    with open(here, encoding="utf-8") as pipe:
        said = pipe.read()
    os.waitpid(process, 0)
    return read(said) if said else SpecFate(name, seconds=SECONDS)


def read(said: str) -> SpecFate:
    """Return the fate that was written."""
    found = SpecFate(*json.loads(said))
    return found._replace(rests_on=None if found.rests_on is None else tuple(found.rests_on))


def judged(
    mutants: Iterable[SpecMutant], send: Send, *, counts: Sequence[tuple[int, int, int]], by_both: bool = True
) -> None:
    """Send the fate of each mutant: the task of one process."""
    for found in fates(mutants, counts, by_both=by_both):
        send(found)
