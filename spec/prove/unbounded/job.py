"""The proof for every size as parts of a run of `spec.prove`: what holds of any size, and that both texts are equal."""

from collections.abc import Iterator
from typing import Final

from spec.prove.obligations import Sizes
from spec.prove.unbounded.command import AS_IT_IS, of_any_size
from spec.prove.unbounded.conditions import Given
from spec.prove.unbounded.equal import equalities, possible_at
from spec.prove.unbounded.solve import ProofAnswer, answers
from spec.prove.verdict import CONFIRMED, REFUTED, ProofVerdict

ANY: Final = "any"


def conditions(which: str) -> list[str]:
    """Return the conditions that `prove` has a verdict on."""
    return [f"{each.layer}: {each.action}: {each.clause}" for given in _givens(which) for each in given.conditions]


def prove(which: str) -> Iterator[ProofVerdict]:
    """Yield a verdict on every condition.

    Its vacuity check claims that nothing satisfies the assumptions. For any size the solver finds no device that does;
    there the check is refuted by a device of a fixed size that satisfies them and on which the action can be taken.
    """
    found = [answer for given in _givens(which) for answer in answers(given)]
    shown = {answer.action for answer in found if answer.layer == possible_at() and answer.good}
    for answer in found:
        yield verdict(answer, possible=answer.possible or answer.action in shown)


def verdict(answer: ProofAnswer, *, possible: bool) -> ProofVerdict:
    """Return an answer in the words of `spec.prove`."""
    name = f"{answer.layer}: {answer.action}: {answer.clause}"
    said = CONFIRMED if answer.good else answer.verdict
    return ProofVerdict(
        name, said, REFUTED if possible else "nothing is known to satisfy what is assumed", answer.seconds
    )


def _givens(which: str) -> Iterator[Given]:
    yield from of_any_size(AS_IT_IS) if which == ANY else equalities(_sizes(which), *AS_IT_IS)


def _sizes(which: str) -> Sizes:
    return Sizes(*map(int, which.split("/")))
