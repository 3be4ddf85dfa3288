"""Asks the solver for a counterexample to each condition."""

import time
from collections.abc import Iterator
from typing import Final, NamedTuple

import z3

from spec.prove.unbounded.conditions import Given, ProofCondition
from spec.prove.z3_terms import truth

DISCHARGED: Final = "discharged"
REFUTED: Final = "refuted"
VACUOUS: Final = "vacuous: nothing satisfies what is assumed"

_MILLISECONDS: Final = 60_000


class ProofAnswer(NamedTuple):
    """The answer on a condition."""

    layer: str
    action: str
    clause: str
    verdict: str
    """DISCHARGED, or else anything: the condition is open."""
    seconds: float
    possible: bool = False
    """The solver has found something that satisfies what is assumed."""

    @property
    def good(self) -> bool:
        """Return whether the condition is proved."""
        return self.verdict == DISCHARGED


def answers(given: Given) -> Iterator[ProofAnswer]:
    """Yield the answers on conditions with the same assumptions."""
    began = time.perf_counter()
    solver = _solver()
    solver.add(truth(given.assumed()))
    possible = solver.check()
    for condition in given.conditions:
        verdict = _verdict(solver, possible, condition)
        yield ProofAnswer(*condition[:3], verdict, time.perf_counter() - began, possible=possible == z3.sat)
        began = time.perf_counter()


def _solver() -> z3.Solver:
    """Return a solver that draws conclusions from what it comes across and does not guess.

    It finds no counterexample among devices of any size, then: what is not discharged is unknown. At a fixed size
    there is nothing to guess.
    """
    solver = z3.Solver()
    solver.set("auto_config", False)
    solver.set("smt.mbqi", False)
    solver.set("ctrl_c", False)  # an interrupt is for Python to notice
    solver.set("timeout", _MILLISECONDS)
    return solver


def _verdict(solver: z3.Solver, possible: z3.CheckSatResult, condition: ProofCondition) -> str:
    if possible == z3.unsat:
        return VACUOUS
    if condition.claim is None:
        return DISCHARGED if possible == z3.sat else f"no answer: {solver.reason_unknown()}"
    solver.push()
    solver.add(z3.Not(truth(condition.claim())))
    found = solver.check()
    unknown = f"no answer: {solver.reason_unknown()}" if found == z3.unknown else ""
    solver.pop()
    return unknown or (DISCHARGED if found == z3.unsat else REFUTED)
