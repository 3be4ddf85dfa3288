"""The mutants: every kind of mistake, each a text that parses, and the same every time."""

import ast
from collections import Counter

import pytest

from spec.model.actions import ACTIONS
from spec.mutate.mutants import MODULES, every_mutant, mutants, users
from spec.mutate.source import Text
from tests.spec.mutants import EVERY

BY_NAME = {each.name: each for each in EVERY}

FUNCTION = '''"""A module."""

def can(s: State, i: int, j: int) -> bool:
    """Whatever."""
    s = s._replace(held=NONE)
    return (s.held >= 0) & no(at(s.slots, i).kind == STORED)
'''
TABLE = '''"""A module."""

_COMPLETIONS = """
device  slot     refund
error   release  1
"""
'''


def found(source: str) -> set[str]:
    return {f"{each.before} -> {each.after}" for each in mutants("module", source)}


def test_they_have_names_and_are_the_same_every_time() -> None:
    assert len(BY_NAME) == len(EVERY)
    assert every_mutant() == EVERY
    assert Counter(each.module for each in EVERY).keys() == set(MODULES)
    assert not any(each.before == each.after for each in EVERY)
    for each in EVERY:
        ast.parse(each.source)


@pytest.mark.parametrize(
    "change",
    [
        "return (s.held >= 0) & no(at(s.slots, i).kind == STORED) -> " + after
        for after in (
            "return (s.held > 0) & no(at(s.slots, i).kind == STORED)",
            "return (((s.held == 0) == False)) & no(at(s.slots, i).kind == STORED)",
            "return (s.held >= (1)) & no(at(s.slots, i).kind == STORED)",
            "return (s.held >= 0) | no(at(s.slots, i).kind == STORED)",
            "return (s.held >= 0)",
            "return ((no(at(s.slots, i).kind == STORED)))",
            "return (s.held >= 0) & (at(s.slots, i).kind == STORED)",
            "return (s.held >= 0) & no(at(s.slots, i).kind == WB)",
            "return (s.held >= 0) & no(at(s.slots, j).kind == STORED)",
            "return True",
            "return False",
            "return ((s.held >= 0) & no(at(s.slots, i).kind == STORED)) == False",
        )
    ]
    + [
        "s = s._replace(held=NONE) -> pass",
        "s = s._replace(held=NONE) -> s = s",
        "s = s._replace(held=NONE) -> s = s._replace()",
    ],
)
def test_a_function_can_be_wrong_in_many_ways(change: str) -> None:
    assert change in found(FUNCTION)


def test_a_cell_of_a_table_can_be_wrong() -> None:
    assert found(TABLE) == {"error   release  1 -> error   commit  1", "error   release  1 -> error   release  0"}


@pytest.mark.parametrize(
    ("function", "before", "after"),
    [
        ("transitions.finish", "Req(inside=q.inside)", "Req()"),
        ("user.read", ", idle=0)", ")"),
        ("user.can_discard", "> EMPTY", ">= EMPTY"),
        ("writeback.can_end_pass", "(s.held == NONE) & ", ""),
        ("transitions.recount", "(old.kind > EMPTY)", "(old.kind > SAME)"),
        ("tables._SLOTS", "pp_slot   stored  same        stored", "pp_slot   stored  same        pp_slot"),
        ("actions.ACTIONS", "us.can_drop_kept", "us.can_mark_idle"),
        ("state.Block", "QUIET", "PENDING"),
    ],
)
def test_the_specification_is_mutated_where_it_can_be(function: str, before: str, after: str) -> None:
    mine = [each for each in EVERY if f"{each.module}.{each.function}" == function]
    joined = {each.before.replace(before, after).replace("(", "").replace(")", "") for each in mine}
    assert joined & {each.after.replace("(", "").replace(")", "") for each in mine if before in each.before}


def test_a_mistake_concerns_the_actions_that_use_what_it_is_in() -> None:
    concerned = {f"{each.module}.{each.function}": set(users(each)) for each in EVERY}
    assert concerned["user.can_discard"] == {"discard"}
    assert concerned["transitions.replace_content"] == {"write", "write_same", "discard"}
    assert concerned["transitions.completion"] == concerned["tables._COMPLETIONS"] == {"reap"}
    assert concerned["state.initial"] == set()
    assert concerned["actions.ACTIONS"] == {action.name for action in ACTIONS}
    assert {name for name, actions in concerned.items() if not actions} == {"state.initial"}


def test_positions_are_those_of_the_text() -> None:
    text = Text("x = 1\nyy = 22\n")
    last = text.tree.body[1]
    assert (text.span(last), text.of(last)) == ((6, 13), "yy = 22")
    assert (text.line(6), text.column(6), text.column(11)) == (2, 1, 6)
