"""What becomes of a mutant of the specification: the walk refutes it, z3 refutes it, or it says the same as before.

The walk goes through scopes that take a fraction of a second, and pinned counts are not compared: a mutant has to break
a property, leave something unseen that should be seen, or crash. z3 is asked the questions of `z3_proof`. Where
neither refutes it, z3 is asked whether guards and effects are what they were, in every state that the invariant allows,
and which of its clauses that rests on.

As a program, `python -m spec.mutate.kill COUNTS NAME...`, it writes one fate a line.
"""

import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Final, NamedTuple

import z3

from spec.assertions import require_assertions
from spec.explore.result import Outcome
from spec.model.actions import ACTIONS, Action
from spec.model.invariant import CLAUSES
from spec.model.state import State, initial
from spec.model.terms import same
from spec.mutate.importer import mutate
from spec.mutate.mutants import Mutant, every_mutant, users
from spec.prove.obligations import Sizes, parameters, sized
from spec.prove.verdict import REFUTED, Verdict
from spec.prove.z3_proof import DEVICE
from spec.prove.z3_terms import any_state, truth, unknown
from spec.scope import Scope

SCOPES: Final = (
    Scope(2, 1, 1, 1, readers=1),
    Scope(2, 1, 1, 1, huge=1, idle=1, recompress=1, resets=1),
    Scope(1, 1, 1, 1, readers=1, stores=1, toggles=1, resets=1),
    Scope(2, 2, 2, 2),
)
SIZES: Final = (Sizes(2, 1, 1, readers=1), Sizes(2, 2, 2, readers=1))
EQUAL_AT: Final = (*SIZES, Sizes(3, 2, 2, readers=1))

SECONDS: Final = 60
"""A mutant that takes longer is not refuted."""
_MILLISECONDS: Final = 10_000
_MANY: Final = 40_000
"""States that none of the scopes has: a walk that finds more would not end."""


_CRASH: Final = "crash: "


class Fate(NamedTuple):
    """What became of a mutant."""

    name: str
    by_walk: str = ""
    """The property that the walk found broken or unseen, or how it crashed; empty when it came to its end."""
    by_z3: str = ""
    counts: bool = False
    """A walk that came to its end counted something else than it should."""
    rests_on: tuple[str, ...] | None = None
    """The clauses because of which it says the same as before; None when it was not asked, or does not."""
    seconds: float = 0.0

    @property
    def refuted(self) -> bool:
        """Return whether it was found out."""
        return bool(self.by_walk or self.by_z3)

    @property
    def crashed(self) -> bool:
        """Return whether it was found out by nothing but a crash."""
        return all(said.startswith(_CRASH) for said in (self.by_walk, self.by_z3) if said) and self.refuted


def fate(mutant: Mutant, counts: Sequence[tuple[int, int, int]]) -> Fate:
    """Find out what becomes of a mutant, in this process, where the specification is a mutant from now on."""
    began = time.perf_counter()
    concerned = users(mutant)
    mutate(mutant)
    by_walk, different = _walked(counts)
    # what says the same in every state that the invariant allows breaks nothing
    rests_on = None if by_walk else _equal(concerned)
    by_z3 = _proved(concerned) if rests_on is None else ""
    return Fate(mutant.name, by_walk, by_z3, different, rests_on, time.perf_counter() - began)


def counted() -> list[tuple[int, int, int]]:
    """Return what the walks count when nothing is wrong."""
    return [_counts(_walk()(scope, _actions(), None)) for scope in SCOPES]


def _counts(outcome: Outcome) -> tuple[int, int, int]:
    return outcome.states, outcome.transitions, outcome.depth


Report = Callable[[int, int, int], None]


def _walk() -> Callable[[Scope, Sequence[Action], Report | None], Outcome]:
    found: Callable[[Scope, Sequence[Action], Report | None], Outcome] = import_module("spec.explore.bfs").walk
    return found


def _actions() -> tuple[Action, ...]:
    found: tuple[Action, ...] = import_module("spec.model.actions").ACTIONS
    return found


class _Endless(Exception):  # noqa: N818  (what a walk is, not an error)
    """A walk finds more states than there should be by far."""


def _walked(counts: Sequence[tuple[int, int, int]]) -> tuple[str, bool]:
    """Return what the walk found, and whether it counted something else."""
    different = False

    def report(_depth: int, states: int, _frontier: int) -> None:
        if states > _MANY:
            raise _Endless

    try:
        walk, scope = _walk(), import_module("spec.scope").Scope
        for sizes, expected in zip(SCOPES, counts, strict=True):
            try:
                outcome = walk(scope(*sizes), _actions(), report)
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
        prove: Callable[[Sizes, Sequence[Action], Sequence[str]], Iterator[Verdict]]
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


def _vacuous(verdict: Verdict) -> Iterable[str]:
    """Say that a condition is refuted if what it assumes cannot be so."""
    return [REFUTED] * verdict.twin_said.startswith("vacuous")


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


def fates(mutants: Iterable[Mutant], counts: Sequence[tuple[int, int, int]]) -> Iterator[Fate]:
    """Yield what becomes of each, each in a process of its own."""
    for mutant in mutants:
        yield _apart(mutant, counts)


def _apart(mutant: Mutant, counts: Sequence[tuple[int, int, int]]) -> Fate:
    here, there = os.pipe()
    process = os.fork()  # there is one thread, so a copy is as good as new
    if not process:
        os.close(here)
        signal.alarm(SECONDS)
        try:
            with open(there, "w", encoding="utf-8") as pipe:
                json.dump(fate(mutant, counts), pipe)
        finally:
            os._exit(0)
    os.close(there)
    with open(here, encoding="utf-8") as pipe:
        said = pipe.read()
    os.waitpid(process, 0)
    return read(said) if said else Fate(mutant.name, seconds=SECONDS)


def read(said: str) -> Fate:
    """Return the fate that was written."""
    found = Fate(*json.loads(said))
    return found._replace(rests_on=None if found.rests_on is None else tuple(found.rests_on))


def main(arguments: Sequence[str]) -> None:
    """Write what becomes of the mutants named."""
    counts, *names = arguments
    by_name: Mapping[str, Mutant] = {mutant.name: mutant for mutant in every_mutant()}
    expected = [(states, transitions, depth) for states, transitions, depth in json.loads(counts)]
    for found in fates([by_name[name] for name in names], expected):
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    require_assertions()
    main(sys.argv[1:])
