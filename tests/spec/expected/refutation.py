"""The conditions that seeded bugs leave open: a proof that cannot fail proves nothing."""

from collections.abc import Sequence
from typing import Final

from spec.bugs.batching_v3 import SpecBug
from spec.processes.interrupts import scratch
from spec.prove.counterexample import AS_A_STEP
from spec.prove.crosshair_contracts import module
from spec.prove.crosshair_run import plan, written
from spec.prove.jobs import ProofJob, run
from spec.prove.obligations import Sizes
from spec.prove.verdict import CONFIRMED, REFUTED, ProofVerdict
from spec.prove.z3_proof import DEVICE, prove

SMALL: Final = Sizes(2, 2, 2, readers=1)


def refuted_by(bug: SpecBug, sizes: Sizes = SMALL) -> dict[str, set[str]]:
    """Return what z3 refutes of a bug: actions, and of each what it no longer keeps or does.

    The other actions are the specification's own, on which there are verdicts already.

    Raises:
        RuntimeError: There is no answer on a condition.
    """
    names = (DEVICE, *(action.name for action in bug.replaced))
    refuted: dict[str, set[str]] = {}
    for verdict in _answered(list(prove(sizes, bug.actions, names))):
        action, _, claim = verdict.condition.partition(": ")
        refuted.setdefault(action, set()).add(claim)
    return refuted


def contracts_refuted_by(bugs: Sequence[SpecBug], sizes: Sizes = SMALL) -> dict[str, set[str]]:
    """Return what CrossHair refutes of bugs: by name, contracts on the actions replaced.

    Raises:
        RuntimeError: There is no answer on a contract.
    """
    verdicts: dict[str, list[ProofVerdict]] = {bug.name: [] for bug in bugs}

    def collect(job: ProofJob, found: list[ProofVerdict], _seconds: float) -> None:
        verdicts[job.part].extend(found)

    with scratch("contracts-") as directory:
        jobs: list[ProofJob] = []
        for bug in bugs:
            names = {name for action in bug.replaced for name in (action.name, action.name + AS_A_STEP)}
            mine = written(bug.name, module(sizes, bug.name), directory, bug.name)
            for name in sorted(names):  # each by itself: what z3 has learnt of one may lead it astray in the next
                jobs += plan(mine, directory, only={name})
        run(jobs, collect)
    return {name: {verdict.condition for verdict in _answered(found)} for name, found in verdicts.items()}


def _answered(verdicts: list[ProofVerdict]) -> list[ProofVerdict]:
    """Return those that are refuted; none may be neither."""
    open_ = [
        verdict for verdict in verdicts if verdict.said not in {CONFIRMED, REFUTED} or verdict.vacuity_said != REFUTED
    ]
    if open_:
        raise RuntimeError("\n".join(verdict.problem for verdict in open_))
    return [verdict for verdict in verdicts if verdict.said == REFUTED]
