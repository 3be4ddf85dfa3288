"""The proof for every size as parts of a run of `spec.prove`: what holds of any size, and that both texts are equal.

As a program, `python -m spec.prove.unbounded.job WHICH`, it writes one verdict a line; WHICH is `any`, or the size at
which the texts are compared.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from spec.assertions import require_assertions
from spec.prove.obligations import Sizes
from spec.prove.unbounded.command import AS_IT_IS, of_any_size
from spec.prove.unbounded.conditions import Given
from spec.prove.unbounded.equal import equalities, possible_at
from spec.prove.unbounded.solve import Answer, answers
from spec.prove.verdict import CONFIRMED, REFUTED, Verdict

ANY: Final = "any"


def conditions(which: str) -> list[str]:
    """Return the conditions that `prove` has a verdict on."""
    return [f"{each.layer}: {each.action}: {each.clause}" for given in _givens(which) for each in given.conditions]


def prove(which: str) -> Iterator[Verdict]:
    """Yield a verdict on every condition.

    Its twin is that nothing satisfies what is assumed. Of any size, the solver does not guess what would; there the
    twin is refuted by a device of a fixed size that does, and on which the action can be taken.
    """
    found = [answer for given in _givens(which) for answer in answers(given)]
    shown = {answer.action for answer in found if answer.layer == possible_at() and answer.good}
    for answer in found:
        yield verdict(answer, possible=answer.possible or answer.action in shown)


def verdict(answer: Answer, *, possible: bool) -> Verdict:
    """Return an answer in the words of `spec.prove`."""
    name = f"{answer.layer}: {answer.action}: {answer.clause}"
    said = CONFIRMED if answer.good else answer.verdict
    return Verdict(name, said, REFUTED if possible else "nothing is known to satisfy what is assumed", answer.seconds)


def _givens(which: str) -> Iterator[Given]:
    yield from of_any_size(AS_IT_IS) if which == ANY else equalities(_sizes(which), *AS_IT_IS)


def _sizes(which: str) -> Sizes:
    return Sizes(*map(int, which.split("/")))


def main(arguments: Sequence[str]) -> None:
    """Write the verdicts, as data."""
    for each in prove(arguments[0]):
        sys.stdout.write(json.dumps(each._asdict()) + "\n")


if __name__ == "__main__":
    require_assertions()
    main(sys.argv[1:])
