"""A change of a text, and the moves of whole statements that many mistakes consist of."""

import ast
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from spec.mutate.source import Text

_STEP: Final = "    "


class DeviceEdit(NamedTuple):
    """A stretch of the text, what to put there instead, and what mistake that is."""

    first: int
    last: int
    text: str
    kind: str
    """A row of the table of kinds."""
    mistake: str


def lines(text: Text, part: ast.stmt) -> tuple[int, int]:
    """Return where the lines of a statement begin and end, the line break included."""
    first, last = text.span(part)
    end = text.source.find("\n", last)
    return text.source.rindex("\n", 0, first) + 1, len(text.source) if end < 0 else end + 1


def whole(text: Text, part: ast.stmt) -> str:
    """Return the lines of a statement."""
    first, last = lines(text, part)
    return text.source[first:last]


def indent(text: Text, part: ast.stmt) -> str:
    """Return the blanks before a statement."""
    return " " * (text.column(text.span(part)[0]) - 1)


def outwards(block: str) -> str:
    """Return lines one step further to the left."""
    return "".join(line.removeprefix(_STEP) for line in block.splitlines(keepends=True))


def inwards(block: str) -> str:
    """Return lines one step further to the right."""
    return "".join(_STEP + line if line.strip() else line for line in block.splitlines(keepends=True))


def dropped(text: Text, part: ast.stmt, kind: str, mistake: str) -> DeviceEdit:
    """Leave a statement out."""
    return DeviceEdit(*text.span(part), "pass", kind, mistake)


def doubled(text: Text, part: ast.stmt, kind: str, mistake: str) -> DeviceEdit:
    """Do a statement twice."""
    first, last = lines(text, part)
    return DeviceEdit(first, last, whole(text, part) * 2, kind, mistake)


def swapped(text: Text, one: ast.stmt, other: ast.stmt, kind: str, mistake: str) -> DeviceEdit:
    """Do two neighbours in the other order; comments between them go with neither."""
    return DeviceEdit(lines(text, one)[0], lines(text, other)[1], whole(text, other) + whole(text, one), kind, mistake)


def blocks(tree: ast.AST) -> Iterator[Sequence[ast.stmt]]:
    """Yield every row of statements, without docstrings."""
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                documented = isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and _is_text(block[0])
                yield block[documented:]


def _is_text(part: ast.stmt) -> bool:
    return isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)


def called(node: ast.AST) -> str:
    """Return the last name of what is called; "" where nothing is."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):
            return node.func.attr
        return node.func.id if isinstance(node.func, ast.Name) else ""
    return ""


def calls(part: ast.AST, names: frozenset[str]) -> bool:
    """Return whether one of these is called somewhere in it."""
    return any(called(node) in names for node in ast.walk(part))


def leaves(part: ast.stmt) -> bool:
    """Return whether a statement is an `if` that ends in leaving."""
    return (
        isinstance(part, ast.If)
        and not part.orelse
        and isinstance(part.body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break)
    )


def stores(part: ast.stmt) -> bool:
    """Return whether a statement stores into an attribute or an item, and does nothing else."""
    targets: list[ast.expr] = []
    if isinstance(part, ast.Assign):
        targets = part.targets
    elif isinstance(part, ast.AugAssign | ast.AnnAssign):
        targets = [part.target]
    each = [node for target in targets for node in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return any(isinstance(node, ast.Attribute | ast.Subscript) for node in each)
