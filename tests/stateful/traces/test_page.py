"""docs/traces.md describes the format as it is: its examples are traces, its table has every action."""

import re
from pathlib import Path

from spec.model.actions import ACTIONS
from stateful.traces.check import POSSIBLE_MOST, check
from stateful.traces.schema import ALSO, LARGEST, LETTERS, read
from stateful.traces.total import TOTALS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "traces.md").read_text(encoding="utf-8")
NAMES = {"free_block": "block", "idle_request": "request", "idle_reader": "reader"}


def test_the_examples_are_a_trace() -> None:
    header, event, end = re.findall(r"```json\n(.*)\n```", PAGE)
    trace = read([header, event])
    assert (trace.lines[0].said, trace.ordered) == ("submit(slot 3, req 0)", True)
    small = header.replace('"slots": 64', '"slots": 5')
    assert read([small, end]).end is not None
    assert check(read([small, end])) is not None


def test_the_table_has_every_action_with_its_parameters() -> None:
    described = {}
    for names, parameters in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ([\w, \[\]]*) ?\|", PAGE, re.MULTILINE):
        for name in re.findall(r"`(\w+)`", names):
            described[name] = [word.strip() for word in parameters.split(",") if word.strip()]
    actions = {}
    for action in (*ACTIONS, *TOTALS):
        also = [f"[{over}]" for over in ALSO.get(action.name, ())]
        actions[action.name] = [NAMES.get(over, over) for over in action.over] + also
    assert {name: described.get(name) for name in actions} == actions


def test_the_figures_are_those_in_force() -> None:
    assert f"up to {LARGEST:,};" in PAGE
    assert f"more than {POSSIBLE_MOST:,} possible states" in PAGE
    assert all(f"`{letter}` " in PAGE for letter in LETTERS)
