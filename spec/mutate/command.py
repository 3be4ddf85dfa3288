"""Make small mistakes in the text of the specification and see whether anything notices: `python -m spec.mutate`.

Each mutant is walked through small scopes and handed to z3; what neither refutes should say the same as before, which
z3 shows as well. Without arguments all of them, which takes minutes; docs/generated/mutation.md has what came of it.

Exit code 0 when every mutant is refuted or the same as before, 1 when one is neither, 2 when it was called wrongly, 130
when it was interrupted.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TextIO

from spec.assertions import require_assertions
from spec.mutate.kill import SECONDS, Fate, counted, read
from spec.mutate.mutants import MODULES, Mutant, every_mutant
from spec.prove.jobs import Ended, Job, at_least_one, run
from spec.prove.verdict import Verdict

_MUTANTS_A_JOB: Final = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    require_assertions()
    chosen = _chosen(asked, parser.error)
    if asked.list:
        sys.stdout.write("\n".join(f"{each.name}\n  - {each.before}\n  + {each.after}" for each in chosen) + "\n")
        return 0
    progress = Progress(len(chosen), sys.stderr)
    try:
        fates = judge(chosen, progress, asked.processes)
    finally:
        progress.done()
    text = json.dumps([fate._asdict() for fate in fates], indent=2) if asked.json else table(chosen, fates)
    sys.stdout.write(f"{text}\n")
    return int(any(not fate.refuted and fate.rests_on is None for fate in fates))


def judge(mutants: Sequence[Mutant], report: Callable[[Sequence[Fate]], None], processes: int = 2) -> list[Fate]:
    """Return what becomes of mutants, in their order; whatever happens, no process is left behind."""
    found: dict[str, Fate] = {}
    batches = [mutants[first : first + _MUTANTS_A_JOB] for first in range(0, len(mutants), _MUTANTS_A_JOB)]
    expected = json.dumps(counted())

    def ended(_job: Job, _verdicts: list[Verdict], _seconds: float) -> None:
        report(list(found.values()))

    run([_job(expected, [mutant.name for mutant in batch], found) for batch in batches], ended, processes)
    return [found[mutant.name] for mutant in mutants]


def _job(expected: str, names: Sequence[str], found: dict[str, Fate]) -> Job:
    return Job(
        part="mutants",
        conditions=tuple(names),
        arguments=("-m", "spec.mutate.kill", expected, *names),
        path=(),
        seconds=SECONDS * (1 + len(names)),
        read=partial(_note, names, found),
    )


def _note(names: Sequence[str], found: dict[str, Fate], ended: Ended) -> list[Verdict]:
    """Note the fates that were written; where a program ended early, nothing is known of the rest."""
    fates = [read(line) for line in ended.out.splitlines()]
    found.update({name: Fate(name) for name in names})
    found.update({fate.name: fate for fate in fates})
    return []


def table(mutants: Sequence[Mutant], fates: Sequence[Fate]) -> str:
    """Return how many there are of each fate, and all that were not refuted."""
    modules = [(name, [f for m, f in zip(mutants, fates, strict=True) if m.module == name]) for name in MODULES]
    rows = [HEADER, *[_row(name, mine) for name, mine in modules if mine], _row("all", fates)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    left = [(mutant, fate) for mutant, fate in zip(mutants, fates, strict=True) if not fate.refuted]
    return "\n".join([*lines, *[f"\n{_survivor(mutant, fate)}" for mutant, fate in left]])


HEADER: Final = ("module", "mutants", "refuted", "by both", "walk alone", "z3 alone", "crashed", "the same", "left")


def numbers(fates: Sequence[Fate]) -> tuple[int, ...]:
    """Return how many there are: all, refuted, by both, by the walk alone, by z3 alone, crashed, the same, left."""
    refuted = [fate for fate in fates if fate.refuted]
    crashed = [fate for fate in refuted if fate.crashed]
    proper = [fate for fate in refuted if not fate.crashed]
    both = sum(bool(fate.by_walk and fate.by_z3) for fate in proper)
    walk = sum(not fate.by_z3 for fate in proper)
    same = sum(not fate.refuted and fate.rests_on is not None for fate in fates)
    left = len(fates) - len(refuted) - same
    return len(fates), len(refuted), both, walk, len(proper) - both - walk, len(crashed), same, left


def _row(name: str, fates: Sequence[Fate]) -> tuple[str, ...]:
    return name, *(f"{n:,}" for n in numbers(fates))


def _survivor(mutant: Mutant, fate: Fate) -> str:
    return f"{mutant.name}: {reason(fate)}\n  - {mutant.before}\n  + {mutant.after}"


def reason(fate: Fate) -> str:
    """Say why a mutant was not refuted."""
    if fate.rests_on is None:
        return "NOT REFUTED, and not the same" + "; counts differ" * fate.counts
    return f"the same because of {', '.join(fate.rests_on)}" if fate.rests_on else "the same in every state"


class Progress:
    """How many are done, drawn: one line that changes on a terminal, else a line now and then."""

    def __init__(self, mutants: int, out: TextIO) -> None:
        self._mutants = mutants
        self._out = out
        self._live = out.isatty()
        self._began = time.monotonic()
        self._due = self._began + (0 if self._live else _SAY)

    def __call__(self, fates: Sequence[Fate]) -> None:
        """Take note of what is known by now."""
        now = time.monotonic()
        if now < self._due:
            return
        refuted = sum(fate.refuted for fate in fates)
        line = f"{len(fates):,} of {self._mutants:,} mutants, {refuted:,} refuted, {now - self._began:.0f} s"
        self._out.write(f"\r\x1b[K{line}" if self._live else f"{line}\n")
        self._out.flush()
        self._due = now + (0 if self._live else _SAY)

    def done(self) -> None:
        """Take the line off the terminal."""
        if self._live:
            self._out.write("\r\x1b[K")
            self._out.flush()


_SAY: Final = 5.0


def sample(mutants: Sequence[Mutant], size: int, seed: int) -> list[Mutant]:
    """Return some of the mutants, the same for the same seed, in the order of the text."""
    chosen = set(random.Random(seed).sample(range(len(mutants)), min(size, len(mutants))))
    return [mutant for number, mutant in enumerate(mutants) if number in chosen]


def _chosen(asked: argparse.Namespace, refuse: Callable[[str], object]) -> list[Mutant]:
    mutants = every_mutant()
    if asked.names:
        unknown = sorted(set(asked.names) - {mutant.name for mutant in mutants})
        if unknown:
            refuse(f"there is no mutant {unknown[0]!r}; --list shows them")
        return [mutant for mutant in mutants if mutant.name in asked.names]
    return mutants if asked.sample is None else sample(mutants, asked.sample, asked.seed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m spec.mutate", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="these mutants (all)")
    parser.add_argument("--sample", type=at_least_one, metavar="N", help="so many of them, chosen by the seed")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="another sample (0)")
    parser.add_argument("--list", action="store_true", help="show them and do nothing")
    parser.add_argument("--processes", type=at_least_one, default=2, metavar="N", help="programs at a time (2)")
    parser.add_argument("--json", action="store_true", help="print data instead of text")
    return parser
