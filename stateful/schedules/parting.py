"""The point at which two runs part: the rows they have in common, then each by itself."""

from itertools import takewhile
from typing import Final, NamedTuple

from spec.explore.trace import state as drawn_state
from spec.model.state import State
from spec.processes.columns import folded
from stateful.schedules.render import LaneRow, Watched, draw, verdict
from stateful.schedules.story import walk

SHOWN: Final = 8
"""Rows before and after the parting that are shown."""


class Parting(NamedTuple):
    """The first rows of two runs that differ."""

    common: int
    """Rows that both have from the start."""
    first: LaneRow | None
    """The next row of the first run, None at its end."""
    second: LaneRow | None

    @property
    def parts(self) -> bool:
        """True when the runs are not the same."""
        return self.first != self.second

    def sentence(self, names: tuple[str, str]) -> str:
        """Say where they part."""
        if not self.parts:
            return f"the same run: {self.common} rows"
        said = [f"{name}: {_said(row)}" for name, row in zip(names, (self.first, self.second), strict=True)]
        return f"the runs part after {self.common} rows; {'; '.join(said)}"


def parting(first: Watched, second: Watched) -> Parting:
    """Compare two runs row by row."""
    same = sum(1 for _pair in takewhile(lambda pair: pair[0] == pair[1], zip(first.rows, second.rows, strict=False)))
    ends = [seen.rows[same] if same < len(seen.rows) else None for seen in (first, second)]
    return Parting(same, *ends)


def drawn(found: Parting, names: tuple[str, str], runs: tuple[Watched, Watched], columns: int | None = None) -> str:
    """Return both runs around the place where they part, the state there, and both verdicts, in so many columns."""
    lines = folded(found.sentence(names), columns)
    if found.parts:
        before = runs[0].rows[max(0, found.common - SHOWN) : found.common]
        lines += ["", f"in common, {found.common} rows" + (f", the last {SHOWN}" if found.common > SHOWN else "")]
        lines += [draw(before, columns)] if before else []
        lines += ["", "state of the specification there", drawn_state(_state(runs[0], found.common), columns=columns)]
        for name, run in zip(names, runs, strict=True):
            rows = run.rows[found.common :]
            lines += ["", f"{name}, {len(rows)} more rows", *([draw(rows[:SHOWN], columns)] if rows else [])]
    said = (f"{name}: {verdict(run.played)}" for name, run in zip(names, runs, strict=True))
    lines += ["", *(line for each in said for line in folded(each, columns, "  "))]
    return "\n".join(lines)


def _state(run: Watched, rows: int) -> State:
    """Return the state of the specification after so many rows."""
    return [run.start, *(step.state for step in walk(run))][rows]


def _said(row: LaneRow | None) -> str:
    return f"{row.task} {row.text}" if row is not None else "ends"
