"""Which conditions the bugs put back leave open: a proof that could not fail would be none."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from spec.bugs.batching_v3 import Variant
from spec.prove.counterexample import AS_A_STEP
from spec.prove.crosshair_contracts import module
from spec.prove.crosshair_run import plan, written
from spec.prove.jobs import Job, run
from spec.prove.obligations import Sizes
from spec.prove.verdict import CONFIRMED, REFUTED, Verdict
from spec.prove.z3_proof import DEVICE, prove

SMALL: Final = Sizes(2, 2, 2, readers=1)


def refuted_by(variant: Variant, sizes: Sizes = SMALL) -> dict[str, set[str]]:
    """Return what z3 refutes of a variant: actions, and of each what it no longer keeps or does.

    The other actions are the specification's own, on which there are verdicts already.

    Raises:
        RuntimeError: There is no answer on a condition.
    """
    names = (DEVICE, *(action.name for action in variant.replaced))
    refuted: dict[str, set[str]] = {}
    for verdict in _answered(list(prove(sizes, variant.actions, names))):
        action, _, claim = verdict.condition.partition(": ")
        refuted.setdefault(action, set()).add(claim)
    return refuted


def contracts_refuted_by(variants: Sequence[Variant], sizes: Sizes = SMALL) -> dict[str, set[str]]:
    """Return what CrossHair refutes of variants: by name, contracts on the actions replaced.

    Raises:
        RuntimeError: There is no answer on a contract.
    """
    verdicts: dict[str, list[Verdict]] = {variant.name: [] for variant in variants}

    def collect(job: Job, found: list[Verdict], _seconds: float) -> None:
        verdicts[job.part].extend(found)

    with tempfile.TemporaryDirectory(prefix="contracts-") as directory:
        jobs: list[Job] = []
        for variant in variants:
            names = {name for action in variant.replaced for name in (action.name, action.name + AS_A_STEP)}
            mine = written(variant.name, module(sizes, variant.name), Path(directory), variant.name)
            jobs += plan(mine, Path(directory), only=names)
        run(jobs, collect)
    return {name: {verdict.condition for verdict in _answered(found)} for name, found in verdicts.items()}


def _answered(verdicts: list[Verdict]) -> list[Verdict]:
    """Return those that are refuted; none may be neither."""
    open_ = [
        verdict for verdict in verdicts if verdict.said not in {CONFIRMED, REFUTED} or verdict.twin_said != REFUTED
    ]
    if open_:
        raise RuntimeError("\n".join(verdict.problem for verdict in open_))
    return [verdict for verdict in verdicts if verdict.said == REFUTED]
