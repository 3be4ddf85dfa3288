"""Prove the specification of devices of every size: `python -m spec.prove_sizes`.

For any number of slots, blocks, requests and readers and any limit: every action keeps every clause of the invariant,
the step properties hold, and if users stop, it reaches quiescence (docs/all-sizes.md says it in full). With `--bug`,
the same of a device with a seeded bug, which leaves conditions open.

Exit code 0 when every condition is discharged, 1 when one is open, 2 when it was called wrongly, 128 plus the
number of the signal when it was interrupted.
"""

import argparse
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TextIO

from spec.assertions import require_assertions
from spec.bugs.history import SEEDED_BUGS
from spec.model.actions import ACTIONS, Action
from spec.outputs.options import add_outputs, written
from spec.processes.columns import columns
from spec.processes.interrupts import Interrupted, handled
from spec.processes.options import add_loudness
from spec.processes.progress import PLAIN, KnownProgress
from spec.prove.unbounded.actions import MOVES
from spec.prove.unbounded.batching_v3 import REPLACED
from spec.prove.unbounded.conditions import Given, conditions
from spec.prove.unbounded.equal import equalities, possibilities
from spec.prove.unbounded.fixed import SIZES, device
from spec.prove.unbounded.induction import about_counting
from spec.prove.unbounded.rows import any_device
from spec.prove.unbounded.solve import REFUTED, ProofAnswer, answers
from spec.prove.unbounded.table import checks, proved, table
from spec.prove.unbounded.transitions import Move
from spec.prove.z3_terms import any_state

Report = Callable[[ProofAnswer], object]


class Texts(NamedTuple):
    """The texts to prove: the actions, and their counterparts for any size."""

    actions: Sequence[Action]
    moves: Mapping[str, Move]


AS_IT_IS: Final = Texts(ACTIONS, MOVES)


def with_bug(name: str) -> Texts:
    """Return both texts with a seeded bug."""
    found = next(each for each in SEEDED_BUGS if each.name == name)
    return Texts(found.actions, {**MOVES, **REPLACED[name]})


def prove_all_sizes(
    report: Report | None = None, texts: Texts = AS_IT_IS, only: Collection[str] = ()
) -> list[ProofAnswer]:
    """Return the answer on every condition, and report each; with `only`, of those of these actions (or DEVICE)."""
    found = []
    for given in givens(texts):
        if only and given.conditions[0].action not in only:
            continue
        for answer in answers(given):
            found.append(answer if answer.good else _definite(answer, texts))
            if report:
                report(found[-1])
    return found


def givens(texts: Texts = AS_IT_IS) -> Iterator[Given]:
    """Yield everything that is to be proved; what rests on the same assumptions is of one action."""
    yield from of_any_size(texts)
    for sizes in SIZES:
        yield from equalities(sizes, *texts)


def of_any_size(texts: Texts = AS_IT_IS) -> Iterator[Given]:
    """Yield what is to be proved of the text for any size, and that what it assumes of every action can be so."""
    yield from about_counting()
    yield from conditions(any_device(), *texts)
    yield from possibilities(*texts)


def _definite(open_: ProofAnswer, texts: Texts) -> ProofAnswer:
    """Return an answer that says more than "unknown" if there is a counterexample of a fixed size."""
    for sizes in SIZES:
        for given in conditions(device(any_state(sizes)), *texts):
            same = tuple(each for each in given.conditions if each[:3] == open_[:3])
            if same and REFUTED in [answer.verdict for answer in answers(given._replace(conditions=same))]:
                return open_._replace(verdict=f"{REFUTED} at {sizes.label()}")
    return open_


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m spec.prove_sizes", description=__doc__)
    names = [each.name for each in SEEDED_BUGS]
    parser.add_argument("--bug", "--variant", metavar="NAME", help="with a seeded bug")
    add_outputs(parser)
    add_loudness(parser)
    asked = parser.parse_args(arguments)
    require_assertions()
    if asked.bug and asked.bug not in names:
        parser.error(f"--bug: there is no {asked.bug!r}; there are {', '.join(names)}")
    texts = with_bug(asked.bug) if asked.bug else AS_IT_IS
    progress = SizesProgress(sum(len(given.conditions) for given in givens(texts)), sys.stderr, asked.loud)
    progress.tick()
    try:
        with handled(progress.interrupt):
            found = prove_all_sizes(progress, texts)
    except KeyboardInterrupt:
        progress.done()
        if progress.found and not asked.json:
            sys.stdout.write(f"{table(progress.found, columns(sys.stdout))}\n")
        written(parser.prog, checks(progress.found) if progress.found else (), asked, interrupted=True)
        raise
    finally:
        progress.done()
    if not asked.json:
        sys.stdout.write(f"{table(found, columns(sys.stdout))}\n")
    if not written(parser.prog, checks(found), asked):
        return 2
    return int(not proved(found))


class SizesProgress:
    """Takes the answers, draws how many there are, and ends with the next one after a signal."""

    def __init__(self, conditions: int, out: TextIO, loud: int = PLAIN) -> None:
        self._drawn = KnownProgress(conditions, _so_far, out, loud)
        self.tick, self.done = self._drawn.tick, self._drawn.done
        self.found: list[ProofAnswer] = []
        self._interrupted = 0

    def interrupt(self, number: int, _frame: object) -> None:
        """End with the next answer: raised anywhere, the exception could get lost in z3's destructors."""
        if self._interrupted:  # the second signal does not wait for an answer
            raise Interrupted(number)
        self._interrupted = number

    def __call__(self, answer: ProofAnswer) -> None:
        """Take note of an answer."""
        if self._interrupted:
            raise Interrupted(self._interrupted)
        self.found.append(answer)
        self._drawn(self.found)


def _so_far(done: str, found: Sequence[ProofAnswer]) -> str:
    latest = f"  {found[-1].layer}: {found[-1].action}" if found else ""
    return f"conditions: {done}, {sum(not each.good for each in found):,} open{latest}"
