"""The verdicts of a run, as a table and as checks; for every size, with the assumptions that remain."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from spec.outputs.places import place
from spec.outputs.verdicts import FAILED, PASSED, Check, Finding, rule_name, shown
from spec.processes.columns import laid_out
from spec.prove.plan import ANY_SIZE, Part
from spec.prove.unbounded.table import assumed, assumptions
from spec.prove.verdict import CONFIRMED, REFUTED, ProofVerdict


class ProofRow(NamedTuple):
    """The verdicts on a part."""

    part: Part
    verdicts: tuple[ProofVerdict, ...]
    seconds: float
    """Of all its programs, one after the other."""

    @property
    def conditions(self) -> int:
        """Return how many conditions there are to prove."""
        return sum(len(job.conditions) for job in self.part.jobs)

    @property
    def confirmed(self) -> int:
        """Return how many are confirmed."""
        return sum(verdict.said == CONFIRMED for verdict in self.verdicts)

    @property
    def refuted_vacuity_checks(self) -> int:
        """Return how many vacuity checks are refuted, as all of them must be."""
        return sum(verdict.vacuity_said == REFUTED for verdict in self.verdicts)

    @property
    def problems(self) -> list[str]:
        """Return what is wrong."""
        return [verdict.problem for verdict in self.verdicts if not verdict.good]

    @property
    def good(self) -> bool:
        """Return whether everything there is to prove is proved, of something."""
        return 0 < self.conditions == self.confirmed == self.refuted_vacuity_checks and not self.problems


_HEADER: Final = (
    *("layer", "prover", "device", "conditions", "confirmed", "vacuity refuted", "left out", "seconds", "verdict"),
)
_LEFT: Final = (0, 1, 2, 8)


def table(rows: Sequence[ProofRow], columns: int | None = None) -> str:
    """Return a line a part, and beneath it what is wrong, in so many columns."""
    lines = laid_out([_HEADER, *(_cells(row) for row in rows)], _LEFT, columns)
    wrong = [f"\n{row.part.prover} {row.part.device}: {problem}" for row in rows for problem in row.problems]
    return "\n".join([*lines, *[f"\n{assumptions()}"] * any(row.part.layer == ANY_SIZE for row in rows), *wrong])


def _cells(row: ProofRow) -> tuple[str, ...]:
    numbers = (row.conditions, row.confirmed, row.refuted_vacuity_checks, row.part.left_out)
    return (*row.part[:3], *(f"{n:,}" for n in numbers), f"{row.seconds:.1f}", shown(row.good))


def proved(rows: Sequence[ProofRow]) -> bool:
    """Return whether there is something to prove, and every row of it is good."""
    return bool(rows) and all(row.good for row in rows)


def checks(rows: Sequence[ProofRow]) -> Iterator[Check]:
    """Yield a check for each part; a condition that is not proved is a finding."""
    for row in rows:
        name = " ".join(filter(None, row.part[:3]))
        what = f"{row.confirmed:,} of {row.conditions:,} conditions proved"
        findings = tuple(_finding(verdict) for verdict in row.verdicts if not verdict.good)
        word = PASSED if row.good else FAILED
        yield Check(name, word, what, row.seconds, "\n".join(row.problems), findings, _data(row))
    if not rows:
        yield Check("proof", FAILED, "nothing is proved: there was nothing to prove", 0.0)


def _finding(verdict: ProofVerdict) -> Finding:
    sentence, _, details = verdict.problem.partition("\n")
    clause = verdict.condition.rpartition(": ")[2]
    return Finding(rule_name(clause), sentence, details, place=place(clause))


def _data(row: ProofRow) -> Mapping[str, object]:
    """Return a row as plain data."""
    return {
        **({"assumptions": assumed()} if row.part.layer == ANY_SIZE else {}),
        "layer": row.part.layer,
        "prover": row.part.prover,
        "device": row.part.device,
        "conditions": row.conditions,
        "confirmed": row.confirmed,
        "refuted_vacuity_checks": row.refuted_vacuity_checks,
        "left_out": row.part.left_out,
    }
