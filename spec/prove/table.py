"""The verdicts of a run, as a table and as data; for every size, with the assumptions that remain."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

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
    def clean(self) -> bool:
        """Return whether everything there is to prove is proved, of something."""
        return 0 < self.conditions == self.confirmed == self.refuted_vacuity_checks and not self.problems


_HEADER: Final = ("layer", "prover", "device", "conditions", "confirmed", "vacuity refuted", "left out", "seconds", "")
_LEFT: Final = (0, 1, 2, 8)


def table(rows: Sequence[ProofRow]) -> str:
    """Return a line a part, and beneath it what is wrong."""
    cells = [_HEADER, *(_cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(w) if i in _LEFT else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]
    wrong = [f"\n{row.part.prover} {row.part.device}: {problem}" for row in rows for problem in row.problems]
    return "\n".join([*(line.rstrip() for line in lines), *[f"\n{assumptions()}"] * _of_any_size(rows), *wrong])


def _of_any_size(rows: Sequence[ProofRow]) -> bool:
    return any(row.part.layer == ANY_SIZE for row in rows)


def _cells(row: ProofRow) -> tuple[str, ...]:
    numbers = (row.conditions, row.confirmed, row.refuted_vacuity_checks, row.part.left_out)
    verdict = "proved" if row.clean else "NOT PROVED"
    return (*row.part[:3], *(f"{n:,}" for n in numbers), f"{row.seconds:.1f}", verdict)


def data(rows: Sequence[ProofRow]) -> Mapping[str, object]:
    """Return all of it as plain data; it is proved when there is something and every row of it is clean."""
    proved = bool(rows) and all(row.clean for row in rows)
    rest = {"assumptions": assumed()} if _of_any_size(rows) else {}
    return {"proved": proved, "parts": [_data(row) for row in rows], **rest}


def _data(row: ProofRow) -> Mapping[str, object]:
    """Return a row as plain data."""
    return {
        "layer": row.part.layer,
        "prover": row.part.prover,
        "device": row.part.device,
        "conditions": row.conditions,
        "confirmed": row.confirmed,
        "refuted_vacuity_checks": row.refuted_vacuity_checks,
        "left_out": row.part.left_out,
        "seconds": round(row.seconds, 3),
        "proved": row.clean,
        "problems": row.problems,
    }
