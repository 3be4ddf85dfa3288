"""Reason why a guard is true or false in a state: its text, apart at each `&`, every part evaluated by itself."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from spec.model.actions import Guard, always
from spec.model.state import State
from spec.model.tables import KINDS, NONE

_PHASES: Final = ("IDLE", "HELD", "FLIGHT", "DONE_OK", "DONE_ERROR")
_NAMES: Final[Mapping[str, Sequence[str]]] = {
    ".kind": [kind.upper() for kind in KINDS],
    ".io": ("QUIET", "PENDING", "IO_OK", "IO_ERROR"),
    "s.running": ("AT_REST", "SCANNING", "WRITING"),
    ".phase": _PHASES,
}
"""The names of the numbers of a field, by the end of the text that reads it."""
_READER_PHASES: Final = ("IDLE", "ASKED", "ANSWERED", "KEPT")
_ROW: Final = re.compile(r"\bat\(s\.(\w+), (\w+)\)")

_MODULE: Final = re.compile(r"\b(?:transitions|writeback|user)\.")
"""Before the names of the specification in the text of a seeded bug."""


class GuardPart(NamedTuple):
    """A part of a guard."""

    text: str
    """As the specification writes it, with the numbers of this step."""
    holds: bool
    found: str
    """The value that decides it."""


class GuardVerdict(NamedTuple):
    """A guard in a state."""

    action: str
    """The step that it admits or not."""
    sentence: str
    """The condition in words."""
    holds: bool
    conditions: tuple[GuardPart, ...]

    @property
    def false(self) -> str:
        """The parts that do not hold, with what was found instead; "" if all do."""
        return "; ".join(f"{each.text}, but {each.found}" for each in self.conditions if not each.holds)


def verdict(step: str, guard: Guard, s: State, args: tuple[int, ...]) -> GuardVerdict:
    """Return what a guard says of a step, and why."""
    sentence = (guard.__doc__ or "").strip().partition("\n")[0]
    holds = bool(guard(s, *args))
    conditions = () if guard is always else tuple(_conditions(guard, (s, *args)))
    return GuardVerdict(step, sentence, holds, conditions or (GuardPart(sentence, holds, str(holds).lower()),))


def _conditions(function: Callable[..., bool], values: Sequence[object]) -> Iterator[GuardPart]:  # type: ignore[explicit-any]  # guards
    """Yield the parts of what a function returns; a part that is itself a call of one is taken apart if it is false."""
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, TypeError, SyntaxError, ValueError):  # written nowhere, or not by itself
        return
    if not isinstance(tree, ast.FunctionDef):
        return
    scope = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
    scope |= dict(zip(inspect.signature(function).parameters, values, strict=False))
    named: dict[str, ast.expr] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            _run(statement, scope)
            _remember(statement, scope)
            named |= {name.id: statement.value for name in statement.targets if isinstance(name, ast.Name)}
        elif isinstance(statement, ast.Return) and statement.value is not None:
            for part in _parts(statement.value, named):
                yield from _condition(part, scope)


def _parts(node: ast.expr, named: Mapping[str, ast.expr]) -> Iterator[ast.expr]:
    """Yield what `&` joins, also where a part has been given a name before."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd):
        yield from _parts(node.left, named)
        yield from _parts(node.right, named)
    elif isinstance(node, ast.Name) and node.id in named:
        yield from _parts(named[node.id], named)
    else:
        yield node


def _condition(part: ast.expr, scope: dict[str, object]) -> Iterator[GuardPart]:
    holds = bool(_value(part, scope))
    if not holds and isinstance(part, ast.Call) and not part.keywords:
        first = [*_first_false(part, scope)]
        if first:
            yield from first
            return
        called = _value(part.func, scope)
        if inspect.isfunction(called) and called.__module__.startswith("spec.") and called.__name__ not in _WORDS:
            inner = [*_conditions(called, [_value(each, scope) for each in part.args])]
            if any(not each.holds for each in inner):
                yield from inner
                return
    yield GuardPart(_text(part, scope), holds, _found(part, scope))


def _first_false(part: ast.Call, scope: dict[str, object]) -> Iterator[GuardPart]:
    """Yield the false parts of the first row for which `every([... for row in rows])` does not hold."""
    row = part.args[0] if ast.unparse(part.func) == "every" and part.args else None
    if not isinstance(row, ast.ListComp) or len(row.generators) != 1:
        return
    (loop,) = row.generators
    rows = _value(loop.iter, scope)
    name = loop.target.id if isinstance(loop.target, ast.Name) else ""
    for number, each in enumerate(rows if isinstance(rows, tuple) and name else ()):
        inner = {**scope, name: each, _ALIAS + name: f"{ast.unparse(loop.iter).removeprefix('s.')}[{number}]"}
        if not _value(row.elt, inner):
            for condition in (found for each in _parts(row.elt, {}) for found in _condition(each, inner)):
                if not condition.holds:
                    yield condition
            return


_WORDS: Final = ("at", "put", "choose", "no", "implies", "count", "every", "same", "bit", "within")
"""The words of `spec.model.terms`, which are read as they are."""


def _value(node: ast.expr, scope: dict[str, object]) -> object:
    found: object = eval(compile(ast.Expression(node), "<guard>", "eval"), scope)  # the text of the specification
    return found


def _run(statement: ast.stmt, scope: dict[str, object]) -> None:
    module = ast.Module([statement], type_ignores=[])
    exec(compile(module, "<guard>", "exec"), scope)  # as above


_ALIAS: Final = "name of "
"""Before a variable, in a scope: the row that it stands for."""


def _remember(statement: ast.Assign, scope: dict[str, object]) -> None:
    """Note the row that a variable stands for, as in `q = at(s.reqs, r)`."""
    row = _ROW.fullmatch(ast.unparse(statement.value))
    if row and isinstance(statement.targets[0], ast.Name):
        scope[_ALIAS + statement.targets[0].id] = f"{row[1]}[{scope.get(row[2], row[2])}]"


def _text(node: ast.expr, scope: Mapping[str, object]) -> str:
    """Return a part with rows as `slots[0]`, and `not` for the word that the specification has for it."""
    text = _ROW.sub(lambda row: f"{row[1]}[{scope.get(row[2], row[2])}]", ast.unparse(node))
    for name in [name for name in scope if name.startswith(_ALIAS)]:
        text = re.sub(rf"\b{name.removeprefix(_ALIAS)}\.", f"{scope[name]}.", text)
    return re.sub(r"^no\((.*)\)$", r"not (\1)", _MODULE.sub("", text))


def _found(node: ast.expr, scope: dict[str, object]) -> str:
    """Return what decides a part: the left side of a comparison, by its name where it has one."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "no":
        return _found(node.args[0], scope)
    if not isinstance(node, ast.Compare):
        return f"{_text(node, scope)} is {'true' if _value(node, scope) else 'false'}"
    left = _text(node.left, scope)
    return f"{left} is {_named(left, _value(node.left, scope))}"


def _named(text: str, value: object) -> str:
    for end, names in _NAMES.items():
        if text.endswith(end) and type(value) is int and 0 <= value < len(names):
            reader = end == ".phase" and "readers" in text
            return _READER_PHASES[value] if reader else names[value]
    return "NONE" if value == NONE else str(value)
