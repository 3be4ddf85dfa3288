"""The specification with one small mistake in its text: an inequality turned, a field not cleared, a guard dropped.

The list is the same every time, and every mutant is a text that parses. Which mistakes there are is in `operators`,
what becomes of a mutant in `kill`.
"""

import ast
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from spec.model.actions import ACTIONS
from spec.mutate.operators import TextEdit, edits
from spec.mutate.source import Text

MODULES: Final = ("tables", "state", "transitions", "user", "writeback", "backing_device", "actions")
"""Modules that define the device: the properties it is checked against are in others."""

_MODEL: Final = Path(__file__).resolve().parents[1] / "model"


class SpecMutant(NamedTuple):
    """A module with a mistake in it."""

    name: str
    """Module, function, line of the function, column, and what the mistake is: the same as long as the function is."""
    module: str
    function: str
    """The function, class or table that the mistake is in."""
    before: str
    """The line as it is, and with the mistake."""
    after: str
    source: str
    """The whole module."""


def every_mutant(modules: Sequence[str] = MODULES) -> list[SpecMutant]:
    """Return all mutants, in the order of the text."""
    return [each for name in modules for each in mutants(name, (_MODEL / f"{name}.py").read_text(encoding="utf-8"))]


def mutants(module: str, source: str) -> list[SpecMutant]:
    """Return the mutants of the text of a module; two mistakes that yield the same text are one."""
    text = Text(source)
    found = {each.source: each for edit in sorted(edits(text)) if (each := _mutant(text, module, edit))}
    names = [each.name for each in found.values()]
    assert len(set(names)) == len(names), "a name stands for one mutant"
    return list(found.values())


def _mutant(text: Text, module: str, edit: TextEdit) -> SpecMutant | None:
    changed = text.source[: edit.first] + edit.text + text.source[edit.last :]
    if changed == text.source:
        return None
    line, last = text.line(edit.first), text.line(edit.last)
    function, first = _around(text, line)
    added = changed.count("\n") - text.source.count("\n")
    return SpecMutant(
        name=f"{module}.{function}:{line - first}:{text.column(edit.first)} {edit.mistake}",
        module=module,
        function=function,
        before=_joined(text.source, line, last),
        after=_joined(changed, line, last + added),
        source=changed,
    )


def _joined(source: str, first: int, last: int) -> str:
    return " ".join(line.strip() for line in source.splitlines()[first - 1 : last])


def _around(text: Text, line: int) -> tuple[str, int]:
    """Return what a line is in, by the name it has in the module, and the line that it begins in."""
    for node in text.tree.body:
        if node.lineno <= line <= (node.end_lineno or line):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                return node.name, node.lineno
            if isinstance(node, ast.AnnAssign):
                return text.of(node.target), node.lineno
            if isinstance(node, ast.Assign):
                return text.of(node.targets[0]), node.lineno
    raise AssertionError("a mistake is in something that has a name")


def users(mutant: SpecMutant) -> tuple[str, ...]:
    """Return the actions whose guard or effect the mistake can concern: those that use what it is in."""
    if mutant.module == "actions":
        return tuple(action.name for action in ACTIONS)
    reached = {mutant.function, *_TABLES.get(mutant.function, ())}
    bodies = _bodies()
    while more := {name for name, used in bodies.items() if used & reached} - reached:
        reached |= more
    return tuple(action.name for action in ACTIONS if {action.guard.__name__, action.effect.__name__} & reached)


_TABLES: Final = {"_SLOTS": ("SLOT_TABLE",), "_COMPLETIONS": ("COMPLETION_TABLE",)}


@cache
def _bodies() -> dict[str, set[str]]:
    """Return the names that each function uses."""
    trees = [ast.parse((_MODEL / f"{name}.py").read_text(encoding="utf-8")) for name in MODULES]
    functions = [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {each.name: {node.id for node in ast.walk(each) if isinstance(node, ast.Name)} for each in functions}
