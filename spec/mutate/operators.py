"""Small mistakes that somebody might make in the text of the specification."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from spec.model.tables import KINDS
from spec.mutate.source import Text


class TextEdit(NamedTuple):
    """A stretch of the text, what to put there instead, and what mistake that is."""

    first: int
    last: int
    text: str
    mistake: str


# Words of one kind, and fields of one tuple: one of them may be mistaken for another.
_WORDS: Final = (
    ("EMPTY", "SAME", "STORED", "PP_SLOT", "WB"),
    ("IDLE", "HELD", "FLIGHT", "DONE_OK", "DONE_ERROR"),
    ("QUIET", "PENDING", "IO_OK", "IO_ERROR"),
    ("IDLE", "ASKED", "ANSWERED", "KEPT"),
    ("AT_REST", "SCANNING", "WRITING"),
    ("RELEASE", "COMMIT"),
    ("NONE", "0"),
)
_FIELDS: Final = (
    ("huge", "idle"),
    ("slot", "blk"),
    ("used", "io"),
    ("valid", "sound"),
    ("limit", "granted", "spent"),
    ("stored", "same", "huge", "bd_count"),
    ("slot", "block"),
    ("refund", "bd_writes"),
    ("write", "write_same", "read", "free", "select", "release", "commit"),
)
_CELLS: Final = ((*KINDS, "."), ("release", "commit"), ("0", "1"))
_COMPARISONS: Final[Mapping[type[ast.cmpop], str]] = {
    ast.Eq: "==",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_OPPOSITE: Final[Mapping[type[ast.operator], tuple[str, str]]] = {
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
}
# What returns its first argument, changed.
_CHANGES: Final = ("put", "set_slot", "release_block", "replace_content", "recount", "refund", "spend", "forget_held")


def edits(text: Text) -> Iterator[TextEdit]:
    """Yield every mistake in a module; a few change nothing."""
    for node in text.tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield from _in_function(text, node)
        elif isinstance(node, ast.ClassDef):
            values = [each.value for each in node.body if isinstance(each, ast.AnnAssign) and each.value]
            yield from (edit for value in values for edit in _in_expression(text, value))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            yield from _in_cells(text, node.value)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Tuple):
            yield from _in_rows(text, node.value)


def _in_function(text: Text, function: ast.FunctionDef) -> Iterator[TextEdit]:
    documented = ast.get_docstring(function) is not None
    parameters = [each.arg for each in function.args.args if each.annotation and text.of(each.annotation) == "int"]
    known = {each.arg for each in function.args.args}
    decides = function.returns is not None and text.of(function.returns) == "bool"
    for statement in function.body[documented:]:
        if isinstance(statement, ast.Assign):
            targets = {node.id for each in statement.targets for node in ast.walk(each) if isinstance(node, ast.Name)}
            if targets <= known:
                yield TextEdit(*text.span(statement), "pass", "statement dropped")
            known |= targets
        if isinstance(statement, ast.Return) and statement.value and decides:
            whole = text.span(statement.value)
            yield TextEdit(*whole, f"({text.of(statement.value)}) == False", "negated")
            yield TextEdit(*whole, "True", "always")
            yield TextEdit(*whole, "False", "never")
        for node in ast.walk(statement):
            if isinstance(node, ast.expr):
                yield from _in_expression(text, node, parameters)


def _in_expression(text: Text, node: ast.expr, parameters: Sequence[str] = ()) -> Iterator[TextEdit]:
    first, last = text.span(node)
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
        yield from _in_comparison(text, node)
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPPOSITE:
        yield from _in_operation(text, node)
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield TextEdit(first, last, f"({node.value + 1})", "one more")
        yield TextEdit(first, last, f"({node.value - 1})", "one less")
    elif isinstance(node, ast.Name):
        groups = (*_WORDS, tuple(parameters))
        yield from (TextEdit(first, last, other, f"{node.id} as {other}") for other in _others(node.id, groups))
    elif isinstance(node, ast.Attribute):
        yield from _named(node.attr, last - len(node.attr))
    elif isinstance(node, ast.Call):
        yield from _in_call(text, node)


def _others(word: str, groups: Iterable[tuple[str, ...]]) -> list[str]:
    return sorted({other for group in groups if word in group for other in group} - {word})


def _named(field: str, first: int) -> Iterator[TextEdit]:
    for other in _others(field, _FIELDS):
        yield TextEdit(first, first + len(field), other, f"{field} as {other}")


def _exchanged(text: Text, left: int, right: int, mine: str, others: Iterable[str]) -> Iterator[TextEdit]:
    first = text.source.index(mine, left, right)
    for other in others:
        yield TextEdit(first, first + len(mine), other, f"{mine} as {other}")


def _in_comparison(text: Text, node: ast.Compare) -> Iterator[TextEdit]:
    mine, other = _COMPARISONS[type(node.ops[0])], node.comparators[0]
    yield from _exchanged(text, text.span(node.left)[1], text.span(other)[0], mine, _COMPARISONS.values())
    # `!=` is no word of the specification
    unequal = f"(({text.of(node.left)} == {text.of(other)}) == False)"
    yield TextEdit(*text.span(node), unequal, f"{mine} as !=")


def _in_operation(text: Text, node: ast.BinOp) -> Iterator[TextEdit]:
    mine, opposite = _OPPOSITE[type(node.op)]
    left, right = text.span(node.left)[1], text.span(node.right)[0]
    yield from _exchanged(text, left, right, mine, (opposite,))
    whole, minus = text.span(node), "-" if mine == "-" else ""
    yield TextEdit(*whole, f"({minus}({text.of(node.right)}))", f"without {text.of(node.left)}")
    yield TextEdit(*whole, f"({text.of(node.left)})", f"without {text.of(node.right)}")


def _in_call(text: Text, node: ast.Call) -> Iterator[TextEdit]:
    whole, called = text.span(node), text.of(node.func)
    parts: tuple[ast.expr | ast.keyword, ...] = (*node.args, *node.keywords)
    if isinstance(node.func, ast.Attribute) and node.func.attr == "_replace":
        yield TextEdit(*whole, text.of(node.func.value), "change dropped")
    elif called in _CHANGES:
        yield TextEdit(*whole, text.of(node.args[0]), f"{called} dropped")
    elif called == "no":
        yield TextEdit(*whole, f"({text.of(node.args[0])})", "negation dropped")
    elif called == "every":
        yield TextEdit(*whole, f"(sum([c * 1 for c in {text.of(node.args[0])}]) > 0)", "every as some")
    elif called == "choose":
        yield TextEdit(*whole, text.of(node.args[1]), "always chosen")
        yield TextEdit(*whole, text.of(node.args[2]), "never chosen")
    for keyword in node.keywords:
        if keyword.arg:
            yield from _named(keyword.arg, text.span(keyword)[0])
            yield _without(text, parts, parts.index(keyword), keyword.arg)
    alike = node.args[called in {"set_slot", "finish", "replace_content", "send", "release_block"} :]
    for one, other in pairwise(alike) if called not in {"at", "put"} else ():
        yield TextEdit(text.span(one)[0], text.span(other)[1], f"{text.of(other)}, {text.of(one)}", "swapped")


def _without(text: Text, parts: Sequence[ast.expr | ast.keyword], k: int, name: str) -> TextEdit:
    first, last = text.span(parts[k])
    if k:
        first = text.span(parts[k - 1])[1]
    elif len(parts) > 1:
        last = text.span(parts[1])[0]
    return TextEdit(first, last, "", f"{name} dropped")


def _in_cells(text: Text, table: ast.Constant) -> Iterator[TextEdit]:
    """Yield other words for the cells of a table, which is a text whose first line is the heading."""
    start, end = text.span(table)
    heading, *rows = [line for line in re.finditer(r"[^\n]+", text.source[start:end]) if line.group().strip('" ')]
    columns = heading.group().split()
    for row in rows:
        cells = list(re.finditer(r"\S+", row.group()))
        for k, cell in enumerate(cells):
            first = start + row.start() + cell.start()
            for other in _others(cell.group(), _CELLS) if k else ():
                column = columns[k - len(cells)]
                yield TextEdit(first, first + len(cell.group()), other, f"{column}: {cell.group()} as {other}")


def _in_rows(text: Text, table: ast.Tuple) -> Iterator[TextEdit]:
    """Yield other guards and effects for the rows of the list of actions: those of the row below."""
    rows = [row for row in table.elts if isinstance(row, ast.Call) and len(row.args) > _EFFECT]
    for row, below in pairwise(rows):
        for column in (_GUARD, _EFFECT):
            mine, other = text.of(row.args[column]), text.of(below.args[column])
            yield TextEdit(*text.span(row.args[column]), other, f"{mine} as {other}")


_GUARD, _EFFECT = 3, 4
