"""Writes `docs/generated/state-machine.md`: `python -m docs.draw_tables`. A test fails when it is stale."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from docs.program import write_page
from spec.bugs.history import SEEDED_BUGS
from spec.explore.expected_counts import PINNED, REDUCED
from spec.footprint import Piece
from spec.model.actions import ACTIONS, Action
from spec.model.invariant import CLAUSES
from spec.model.properties import EVERY_STEP, REST
from spec.model.tables import COMMIT, COMPLETION_TABLE, ILLEGAL, KINDS, SLOT_TABLE, Completion, SlotTable
from spec.processes.entry import run
from spec.reachable import sometimes
from spec.restated.frame import FIELD_UPDATES, FieldUpdate
from spec.restated.tables_say import RULES
from spec.scope import EVERY_RUN, NIGHTLY

PAGE: Final = Path(__file__).resolve().with_name("generated") / "state-machine.md"
_CASES: Final = (("error", "lost"), ("error", "kept"), ("ok", "lost"), ("ok", "kept"))
_INTRODUCTION: Final = """\
# The state machine

Written by `python -m docs.draw_tables` from `spec/`; edit that.
"""
_LEFT_ALONE: Final = """\
Every other action leaves the field alone; the counters are what a recount finds. And each action can be taken exactly
when it should be possible (`spec/restated/enabled.py`)."""


def page() -> str:
    """Return the whole page."""
    sections = [
        _INTRODUCTION,
        _section("What becomes of a slot", "A dot is an event that cannot happen to such a slot.", _slot_table()),
        _section("The same as a diagram", _diagram()),
        _section("What becomes of an answered request", "The claim of its slot is kept or lost.", _completion_table()),
        _section("Actions", _action_table()),
        _section("Always", "The invariant, clause by clause.", _list(map(_sentence, CLAUSES))),
        _section(
            "Every step",
            _list(f"{_sentence(step.holds)} ({_speaks_about(step.actions)})" for step in EVERY_STEP),
            _list(sentence for _name, sentence in REST),
        ),
        _section("What becomes of each field", _LEFT_ALONE, _field_table()),
        _section("What the tables and the fresh device have to be", _list(map(_sentence, RULES))),
        _section("Sometimes", *_sometimes()),
        _section("Scopes of every run", "Slots/blocks/requests, and the bounds of the rest.", _scope_table()),
        _section("Scopes of a night", "With symmetry, as in the last column above.", _nightly_table()),
        _section("Seeded bugs", "A scope that is clean without them; the shortest way.", _bug_table()),
    ]
    return "\n".join(sections)


def _section(title: str, *paragraphs: str) -> str:
    return "\n".join([f"## {title}\n", *(f"{paragraph}\n" for paragraph in paragraphs)])


def markdown_table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table as Markdown has them."""
    head = list(header)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _sentence(piece: Piece) -> str:
    """Return what a function says about itself, on one line."""
    return " ".join((piece.__doc__ or "").split())


def _slot_table() -> str:
    words = (*KINDS, ".")  # a dot is what the position ILLEGAL finds
    assert words[ILLEGAL] == "."
    rows = [[f"**{kind}**", *(words[column[k]] for column in SLOT_TABLE)] for k, kind in enumerate(KINDS)]
    return markdown_table(["", *SlotTable._fields], rows)


def _diagram() -> str:
    edges: dict[tuple[int, int], list[str]] = {}
    for event, column in zip(SlotTable._fields, SLOT_TABLE, strict=True):
        for before, after in enumerate(column):
            if after != ILLEGAL:
                edges.setdefault((before, after), []).append(event)
    arrows = [f"    {KINDS[a]} --> {KINDS[b]} : {', '.join(events)}" for (a, b), events in sorted(edges.items())]
    return "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {KINDS[0]}", *arrows, "```"])


def _completion_table() -> str:
    rows = [[device, claim, *_outcome(row)] for (device, claim), row in zip(_CASES, COMPLETION_TABLE, strict=True)]
    return markdown_table(["device", "claim", *Completion._fields], rows)


def _outcome(row: Completion) -> list[str]:
    words = ["commit" if what == COMMIT else "release" for what in (row.slot, row.block)]
    return [*words, str(row.refund), str(row.bd_writes)]


def _action_table() -> str:
    header = ["action", "actor", "when", "what", "kernel function", "switch"]
    return markdown_table(header, [_action(action) for action in ACTIONS])


def _action(action: Action) -> list[str]:
    name = f"`{action.name}({', '.join(action.over)})`"
    kernel = "" if action.kernel == "-" else f"`{action.kernel}`"
    return [name, action.actor, _sentence(action.guard), _sentence(action.effect), kernel, action.switch]


def _speaks_about(actions: tuple[str, ...]) -> str:
    everything = tuple(action.name for action in ACTIONS if action.actor != "user")
    return "every step of pass and device" if actions == everything else ", ".join(f"`{name}`" for name in actions)


def _field_table() -> str:
    rows = [[f"`{each.field}`", *_changed_by(each)] for each in FIELD_UPDATES]
    return markdown_table(["field", "changed by", "and then"], rows)


def _changed_by(change: FieldUpdate) -> list[str]:
    return [", ".join(f"`{name}`" for name in change.actions), _sentence(change.value)]


def _sometimes() -> Iterator[str]:
    yield "Besides, every action is taken. A complete search must see each of these; in brackets, the scopes that must."
    scopes = {name: sometimes(scope) for name, scope in EVERY_RUN.items()}
    sentences = dict.fromkeys(sentence for due in scopes.values() for sentence in due)
    yield _list(f"{text} ({', '.join(name for name, due in scopes.items() if text in due)})" for text in sentences)


def _scope_table() -> str:
    rows = [
        [name, scope.label(), *(f"{n:,}" for n in PINNED[name]), f"{REDUCED[name].states:,}"]
        for name, scope in EVERY_RUN.items()
    ]
    return markdown_table(["scope", "", "states", "transitions", "depth", "states with symmetry"], rows)


def _nightly_table() -> str:
    rows = [[name, scope.label(), *(f"{n:,}" for n in REDUCED[name])] for name, scope in NIGHTLY.items()]
    return markdown_table(["scope", "", "states", "transitions", "depth"], rows)


def _bug_table() -> str:
    rows = [[f"`{v.name}`", v.mistake, f"`{v.breaks}`", str(v.steps), v.scope.label()] for v in SEEDED_BUGS]
    return markdown_table(["bug", "mistake", "breaks", "steps", "scope"], rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page and return the exit code."""
    return write_page("draw_tables", __doc__, PAGE, page, arguments)


if __name__ == "__main__":
    run("docs.draw_tables")
