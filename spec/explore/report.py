"""Verdicts on the results of searches, as a table and as checks for other programs."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from spec.explore.expected_counts import PINNED, REDUCED
from spec.explore.result import ExploreResult
from spec.explore.trace import counterexample, parts, step
from spec.outputs.places import flow_step, place
from spec.outputs.verdicts import FAILED, PASSED, Check, Finding, rule_name, shown
from spec.processes.columns import folded, laid_out


class ExploreVerdict(NamedTuple):
    """An outcome, judged."""

    name: str
    outcome: ExploreResult
    problems: tuple[str, ...]

    @property
    def word(self) -> str:
        """Return the verdict in a word."""
        return shown(not self.problems)


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


_HEADER: Final = ("scope", "", "states", "transitions", "depth", "seconds", "always", "sometimes", "verdict")
_LEFT: Final = (0, 1, 8)


def table(verdicts: Iterable[ExploreVerdict], columns: int | None = None) -> str:
    """Return one row per search, and beneath it what is wrong, in so many columns."""
    judged = list(verdicts)
    lines = laid_out([_HEADER, *(_row(each) for each in judged)], _LEFT, columns)
    wrong = [line for each in judged for problem in each.problems for line in _problem(each, problem, columns)]
    return "\n".join([*lines, *[""][: len(wrong)], *wrong])


def _problem(verdict: ExploreVerdict, problem: str, columns: int | None) -> list[str]:
    broken = verdict.outcome.broken
    if broken is None or problem != counterexample(broken):
        return folded(f"{verdict.name}: {problem}", columns)
    first, *others = counterexample(broken, columns).split("\n")
    return [*folded(f"{verdict.name}: {first}", columns), *others]


def _row(verdict: ExploreVerdict) -> tuple[str, ...]:
    o = verdict.outcome
    seen = "-" if o.broken else f"{o.sometimes - len(o.never)}/{o.sometimes}"
    return (
        *(verdict.name, o.label, f"{o.states:,}", f"{o.transitions:,}", str(o.depth), f"{o.seconds:.1f}"),
        *(str(o.always), seen, verdict.word),
    )


def check(verdict: ExploreVerdict, again: str = "") -> Check:
    """Return a verdict as a check; `again` is the command that searches once more."""
    o = verdict.outcome
    what = f"{o.label}: {o.states:,} states, {o.transitions:,} transitions, {o.always} properties: {verdict.word}"
    if o.broken:
        steps = tuple(flow_step(text.partition("(")[0], step(text)) for text in o.broken.steps)
        details, where = counterexample(o.broken), place(o.broken.name)
        findings = [Finding(o.broken.name, o.broken.sentence, details, again, where, steps)]
    else:
        findings = [Finding(rule_name(text.partition(": ")[2]), text, again=again) for text in verdict.problems]
    word = FAILED if verdict.problems else PASSED
    details = "\n".join(verdict.problems)
    return Check(verdict.name, word, what, o.seconds, details, tuple(findings), _data(verdict))


def _data(verdict: ExploreVerdict) -> Mapping[str, object]:
    o = verdict.outcome
    found = o.broken and {
        "property": o.broken.name,
        "sentence": o.broken.sentence,
        "steps": list(o.broken.steps),
        "before": parts(o.broken.before),
        "after": parts(o.broken.after),
    }
    return {
        "scope": o.scope._asdict(),
        "symmetry": o.symmetry,
        "states": o.states,
        "transitions": o.transitions,
        "depth": o.depth,
        "fired": dict(o.fired),
        "never": list(o.never),
        "counterexample": found,
        "word": verdict.word,
    }
