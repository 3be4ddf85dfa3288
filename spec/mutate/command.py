"""Make small mistakes in the text of the specification and see whether a check notices: `python -m spec.mutate`.

Each mutant is searched in small scopes and handed to z3; a mutant that neither refutes has to be equivalent, which z3
shows as well. Without arguments all of them, which takes minutes; docs/generated/mutation.md lists their fates.

Exit code 0 when every mutant is refuted or equivalent, 1 when one is neither, 2 after a usage error, 128 plus the
number of the signal when it was interrupted.
"""

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from spec.assertions import require_assertions
from spec.mutate.kill import SECONDS, SpecFate, counted, judged
from spec.mutate.mutants import MODULES, SpecMutant, every_mutant
from spec.outputs.options import add_outputs, written
from spec.outputs.verdicts import FAILED, PASSED, Check
from spec.processes.columns import columns, laid_out
from spec.processes.options import add_loudness, add_processes, add_seed, count
from spec.processes.progress import PLAIN, KnownProgress
from spec.processes.runner import Ended, ProcessTask, run

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
    progress = progress_of(len(chosen), asked.loud)
    try:
        fates = judge(chosen, progress, asked.processes, progress.tick)
    except KeyboardInterrupt:
        progress.done()
        known = {fate.name: fate for fate in progress.known}
        some = [mutant for mutant in chosen if mutant.name in known]
        if some and not asked.json:
            sys.stdout.write(f"{table(some, [known[mutant.name] for mutant in some], columns(sys.stdout))}\n")
        written(parser.prog, map(check_of, some, [known[mutant.name] for mutant in some]), asked, interrupted=True)
        raise
    finally:
        progress.done()
    if not asked.json:
        sys.stdout.write(f"{table(chosen, fates, columns(sys.stdout))}\n")
    if not written(parser.prog, map(check_of, chosen, fates), asked):
        return 2
    return int(any(map(survives, fates)))


def survives(fate: SpecFate) -> bool:
    """Return whether a mutant is neither refuted nor the same."""
    return not fate.refuted and fate.rests_on is None


def check_of(mutant: SpecMutant, fate: SpecFate) -> Check:
    """Return a mutant as a check, which passes when it is refuted or the same."""
    word = FAILED if survives(fate) else PASSED
    by = ", ".join(filter(None, (fate.by_search, fate.by_z3)))
    what = f"refuted: {by}" if fate.refuted else reason(fate)
    details = f"- {mutant.before}\n+ {mutant.after}"
    return Check(fate.name, word, what, fate.seconds, details, data=fate._asdict())


def judge(
    mutants: Sequence[SpecMutant],
    report: Callable[[Sequence[SpecFate]], None],
    processes: int = 2,
    tick: Callable[[], None] = lambda: None,
    *,
    by_both: bool = True,
) -> list[SpecFate]:
    """Return the fates of mutants, in their order; where a process ended early, nothing is known of the rest.

    Without `by_both`, z3 is not asked about those that the search refutes.
    """
    found: dict[str, SpecFate] = {}

    def received(_index: int, message: object) -> None:
        assert isinstance(message, SpecFate), "a task sends nothing else"
        found[message.name] = message
        report(list(found.values()))

    batches = [mutants[first : first + _MUTANTS_A_JOB] for first in range(0, len(mutants), _MUTANTS_A_JOB)]
    expected = counted()
    tasks = [
        ProcessTask(partial(judged, batch, counts=expected, by_both=by_both), SECONDS * (1 + len(batch)))
        for batch in batches
    ]
    run(tasks, _ignore, received, lambda _running: tick(), processes)
    return [found.get(mutant.name, SpecFate(mutant.name)) for mutant in mutants]


def _ignore(_index: int, _ended: Ended) -> None:
    """Everything known of a task is in its messages."""


def table(mutants: Sequence[SpecMutant], fates: Sequence[SpecFate], width: int | None = None) -> str:
    """Return how many there are of each fate, and all that were not refuted."""
    modules = [(name, [f for m, f in zip(mutants, fates, strict=True) if m.module == name]) for name in MODULES]
    rows = [HEADER, *[_row(name, mine) for name, mine in modules if mine], _row("all", fates)]
    lines = laid_out(rows, (), width)
    left = [(mutant, fate) for mutant, fate in zip(mutants, fates, strict=True) if not fate.refuted]
    return "\n".join([*lines, *[f"\n{_survivor(mutant, fate)}" for mutant, fate in left]])


HEADER: Final = ("module", "mutants", "refuted", "by both", "search alone", "z3 alone", "crashed", "the same", "left")


def numbers(fates: Sequence[SpecFate]) -> tuple[int, ...]:
    """Return how many there are: all, refuted, by both, by the search alone, by z3 alone, crashed, the same, left."""
    refuted = [fate for fate in fates if fate.refuted]
    crashed = [fate for fate in refuted if fate.crashed]
    proper = [fate for fate in refuted if not fate.crashed]
    both = sum(bool(fate.by_search and fate.by_z3) for fate in proper)
    search = sum(not fate.by_z3 for fate in proper)
    same = sum(not fate.refuted and fate.rests_on is not None for fate in fates)
    left = len(fates) - len(refuted) - same
    return len(fates), len(refuted), both, search, len(proper) - both - search, len(crashed), same, left


def _row(name: str, fates: Sequence[SpecFate]) -> tuple[str, ...]:
    return name, *(f"{n:,}" for n in numbers(fates))


def _survivor(mutant: SpecMutant, fate: SpecFate) -> str:
    return f"{mutant.name}: {reason(fate)}\n  - {mutant.before}\n  + {mutant.after}"


def reason(fate: SpecFate) -> str:
    """Say why a mutant was not refuted."""
    if fate.rests_on is None:
        return "NOT REFUTED, and not the same" + "; counts differ" * fate.counts
    return f"the same because of {', '.join(fate.rests_on)}" if fate.rests_on else "the same in every state"


def progress_of(mutants: int, loud: int = PLAIN) -> KnownProgress[SpecFate]:
    """Return the progress of judging so many mutants, on standard error."""

    def say(done: str, fates: Sequence[SpecFate]) -> str:
        return f"mutants: {done}, {sum(fate.refuted for fate in fates):,} refuted"

    return KnownProgress(mutants, say, sys.stderr, loud)


def sample(mutants: Sequence[SpecMutant], size: int, seed: int) -> list[SpecMutant]:
    """Return some of the mutants, the same for the same seed, in the order of the text."""
    chosen = set(random.Random(seed).sample(range(len(mutants)), min(size, len(mutants))))
    return [mutant for number, mutant in enumerate(mutants) if number in chosen]


def _chosen(asked: argparse.Namespace, refuse: Callable[[str], object]) -> list[SpecMutant]:
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
    parser.add_argument("--sample", type=count, metavar="N", help="so many of them, chosen by the seed")
    add_seed(parser, "another sample")
    parser.add_argument("--list", action="store_true", help="show them and do nothing")
    add_processes(parser)
    add_outputs(parser)
    add_loudness(parser)
    return parser
