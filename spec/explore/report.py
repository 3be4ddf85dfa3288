"""Verdicts on the results of searches, as a table and as data."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from spec.explore.expected_counts import PINNED, REDUCED
from spec.explore.result import ExploreResult
from spec.explore.trace import counterexample, parts


class ExploreVerdict(NamedTuple):
    """An outcome, judged."""

    name: str
    outcome: ExploreResult
    problems: tuple[str, ...]

    @property
    def word(self) -> str:
        """Return the verdict in a word or two."""
        if self.outcome.broken:
            return "FAILED"
        if self.outcome.never:
            return "INCOMPLETE"
        return "DIFFERENT COUNTS" if self.problems else "clean"


def judge(name: str, outcome: ExploreResult, *, pinned: bool = True) -> ExploreVerdict:
    """Say what is wrong with the outcome of the search called `name`; with `pinned`, compare its counts."""
    problems = [f"never seen: {sentence}" for sentence in outcome.never]
    if outcome.broken:
        problems.append(counterexample(outcome.broken))
    elif pinned and name in (pins := REDUCED if outcome.symmetry else PINNED):
        expected = pins[name]._asdict()
        found = {what: getattr(outcome, what) for what in expected}
        problems += [f"{what}: {found[what]:,}, pinned {n:,}" for what, n in expected.items() if found[what] != n]
    return ExploreVerdict(name, outcome, tuple(problems))


def table(verdicts: Iterable[ExploreVerdict]) -> str:
    """Return one row per search, and beneath it what is wrong."""
    judged = list(verdicts)
    header = ("scope", "", "states", "transitions", "depth", "seconds", "always", "sometimes", "verdict")
    rows: list[tuple[str, ...]] = [header, *(_row(each) for each in judged)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(_aligned, header, row, widths)).rstrip() for row in rows]
    wrong = [f"{each.name}: {problem}" for each in judged for problem in each.problems]
    return "\n".join([*lines, *[""][: len(wrong)], *wrong])


def _aligned(column: str, cell: str, width: int) -> str:
    return cell.ljust(width) if column in {"scope", "", "verdict"} else cell.rjust(width)


def _row(verdict: ExploreVerdict) -> tuple[str, ...]:
    o = verdict.outcome
    seen = "-" if o.broken else f"{o.sometimes - len(o.never)}/{o.sometimes}"
    return (
        *(verdict.name, o.label, f"{o.states:,}", f"{o.transitions:,}", str(o.depth), f"{o.seconds:.1f}"),
        *(str(o.always), seen, verdict.word),
    )


def data(verdict: ExploreVerdict) -> Mapping[str, object]:
    """Return a verdict as plain data."""
    o = verdict.outcome
    found = o.broken and {
        "property": o.broken.name,
        "sentence": o.broken.sentence,
        "steps": list(o.broken.steps),
        "before": parts(o.broken.before),
        "after": parts(o.broken.after),
    }
    return {
        "name": verdict.name,
        "scope": o.scope._asdict(),
        "symmetry": o.symmetry,
        "states": o.states,
        "transitions": o.transitions,
        "depth": o.depth,
        "seconds": round(o.seconds, 3),
        "fired": dict(o.fired),
        "never": list(o.never),
        "counterexample": found,
        "problems": list(verdict.problems),
        "verdict": verdict.word,
    }
