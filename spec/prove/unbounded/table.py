"""The answers on the conditions for every size, as a table and as checks, with the assumptions that remain."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from spec.outputs.places import place
from spec.outputs.verdicts import FAILED, PASSED, Check, Finding, rule_name, shown
from spec.processes.columns import laid_out
from spec.prove.unbounded.equal import EQUAL
from spec.prove.unbounded.solve import ProofAnswer


class Assumption(NamedTuple):
    """Something that no condition for every size shows, and what checks it of fixed sizes."""

    sentence: str
    checked_by: str
    """Another command, or nothing when the conditions do."""
    shown_by: tuple[str, ...] = ()
    """The conditions at fixed sizes that show it: what follows the action in their names."""

    @property
    def check(self) -> str:
        """Return what checks it of fixed sizes."""
        return self.checked_by or f"{EQUAL} fixed sizes: {', '.join(self.shown_by)}"


ASSUMPTIONS: Final = (
    Assumption(
        "Of devices of other sizes than those compared, the text for any size says what the specification says. Both "
        "know sizes only as the ends of rows.",
        "",
        ("fresh", "guard", "effect", "every_block_has_one_owner", "every_pp_slot_is_owned_once"),
    ),
    Assumption(
        "How many there are of a kind is a number to which the facts about counting apply: what is true of no places, "
        "and of one place more whenever it was true, is true of any number of places.",
        "",
        ("recount", "counters_equal_a_recount", "the_budget_is_conserved", "work_left"),
    ),
    Assumption(
        "A property of the fresh device that every step keeps holds of every reachable device; and a measure that "
        "every step lowers and that is never negative stops falling.",
        "python -m spec.explore: in every state that is reached, without induction",
    ),
    Assumption(
        "There is at least one slot, one block and one request. There need not be a reader.",
        "python -m spec.explore: refuses a device without, searches 1/1/1",
    ),
    Assumption(
        "A formula that z3 reports unsatisfiable is unsatisfiable.",
        "python -m spec.explore: without a solver; every seeded bug leaves its own conditions open",
    ),
)


def table(answers: Sequence[ProofAnswer], columns: int | None = None) -> str:
    """Return a line a layer, what is open, and what is assumed, in so many columns."""
    header = ("layer", "conditions", "discharged", "seconds", "verdict")
    rows = [header, *_layers(answers)]
    lines = laid_out(rows, (0, 4), columns)
    open_ = [f"open: {a.layer}: {a.action}: {a.clause}: {a.verdict}" for a in answers if not a.good]
    return "\n".join([*lines, *[""][: len(open_)], *open_, "", assumptions()])


def assumptions() -> str:
    """Return what is assumed, and what checks it of fixed sizes."""
    return "\n".join(["assumptions that remain", *(f"- {each.sentence} [{each.check}]" for each in ASSUMPTIONS)])


def _layers(answers: Sequence[ProofAnswer]) -> Iterator[tuple[str, ...]]:
    layers = {layer: [a for a in answers if a.layer == layer] for layer in dict.fromkeys(a.layer for a in answers)}
    for layer, mine in (*layers.items(), ("all", list(answers))):
        good, seconds = sum(a.good for a in mine), sum(a.seconds for a in mine)
        yield layer, f"{len(mine):,}", f"{good:,}", f"{seconds:.1f}", shown(0 < len(mine) == good)


def proved(answers: Sequence[ProofAnswer]) -> bool:
    """Return whether there is something to prove, and all of it is discharged."""
    return bool(answers) and all(answer.good for answer in answers)


def checks(answers: Sequence[ProofAnswer]) -> Iterator[Check]:
    """Yield a check for each layer; a condition that is open is a finding."""
    for layer in dict.fromkeys(answer.layer for answer in answers):
        mine = [answer for answer in answers if answer.layer == layer]
        open_ = tuple(_finding(answer) for answer in mine if not answer.good)
        what = f"{len(mine) - len(open_):,} of {len(mine):,} conditions discharged"
        data = {"conditions": [answer._asdict() for answer in mine], "assumptions": assumed()}
        seconds = sum(answer.seconds for answer in mine)
        yield Check(layer, FAILED if open_ else PASSED, what, seconds, findings=open_, data=data)
    if not answers:
        yield Check("proof", FAILED, "nothing is proved: there was nothing to prove", 0.0)


def _finding(answer: ProofAnswer) -> Finding:
    sentence = f"{answer.layer}: {answer.action}, {answer.clause}: {answer.verdict}"
    return Finding(rule_name(answer.clause), sentence, place=place(answer.clause))


def assumed() -> Sequence[Mapping[str, str]]:
    """Return what is assumed as plain data."""
    return [{"sentence": each.sentence, "check": each.check} for each in ASSUMPTIONS]
