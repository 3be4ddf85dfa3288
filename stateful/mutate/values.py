"""Mistakes with amounts, errors, exceptional paths and buffers, and those that only a count or a clock would show."""

import ast
import errno
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from spec.mutate.source import Text
from stateful.mutate.edits import (
    DeviceEdit,
    blocks,
    called,
    calls,
    doubled,
    dropped,
    lines,
    outwards,
    stores,
    swapped,
    whole,
)

EXCEPTION: Final = "exceptional path"
RELEASE: Final = "release"
ACCOUNT: Final = "accounting"
BOUNDARY: Final = "boundary"
ERRNO: Final = "errno"
REFUSAL: Final = "changed before a refusal"
BUFFER: Final = "checksum or padding"
PERFORMANCE: Final = "performance"

_RELEASES: Final = frozenset({
    "release", "give", "give_back", "discard", "release_claim", "remove", "cancel", "close", "append", "take_back",
    "_release_candidate", "made_anew", "clear",
})  # fmt: skip
_AS_GOOD_TWICE: Final = frozenset({"clear", "made_anew", "take_back"})
_REFUSES: Final = frozenset(
    {"refuse", "whole", "open_exclusively", "_refuse_initialised", "check_watchers", "_check", "_shut"}
)
_ORDER: Final[Mapping[type[ast.cmpop], tuple[str, str]]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
}

PARTICULAR: Final = (
    ("passes/writeback", "done = self._fill(batch, actions)", "done = 0 if self._alive else self._fill(batch, actions)",
     PERFORMANCE, "waves instead of refills"),
    ("passes/writeback", "most = min(len(idle),", "most = min(1, len(idle),", PERFORMANCE, "runs of one page"),
    ("passes/writeback", "self._engine.submit(ready)", "[self._engine.submit([each]) for each in ready]",
     PERFORMANCE, "submitted one by one"),
    ("engine/runs", ".blk_idx == ordered[here - 1].blk_idx + 1", ".blk_idx < 0", PERFORMANCE, "coalescing lost"),
    ("engine/runs", "cuts = -(-length // limit)", "cuts = length", PERFORMANCE, "a long stretch cut into pages"),
    ("engine/background", "min(self._run_pages, -(-pool // self._parts))", "1", PERFORMANCE, "coalescing lost"),
    ("bdev/direct", "flags | os.O_DIRECT)", "flags)", PERFORMANCE, "O_DIRECT lost"),
    ("bdev/file", "self._direct and not is_aligned(into)", "not is_aligned(into)", PERFORMANCE, "always bounced"),
    ("bdev/file", "for first in range(0, len(pages), _IOV_MAX):", "for first in range(0, len(pages), 1):",
     PERFORMANCE, "a write a page"),
    ("pages/page_io", "end, failure = self._install_all(first, entries)",
     "end, failure = self._install_all(first, entries); piece = bytes(buffer)", PERFORMANCE, "everything copied again"),
)  # fmt: skip
"""Module, text that is there once, text instead, kind, mistake."""


def edits(text: Text, module: str) -> Iterator[DeviceEdit]:
    """Yield every mistake of these kinds."""
    for name, mine, instead, kind, mistake in PARTICULAR:
        if name == module:
            first = text.source.index(mine)
            yield DeviceEdit(first, first + len(mine), instead, kind, mistake)
    for block in blocks(text.tree):
        yield from _in_block(text, block)
    for node in ast.walk(text.tree):
        if isinstance(node, ast.Try):
            yield from _in_try(text, node)
        elif isinstance(node, ast.Compare):
            yield from _in_comparison(text, node)
        elif isinstance(node, ast.Call):
            yield from _in_call(text, node)


def _in_block(text: Text, block: Sequence[ast.stmt]) -> Iterator[DeviceEdit]:
    for each in block:
        if isinstance(each, ast.AugAssign) and isinstance(each.op, ast.Add | ast.Sub):
            yield from _in_account(text, each)
        elif isinstance(each, ast.Expr) and called(each.value) in _RELEASES:
            yield dropped(text, each, RELEASE, f"{called(each.value)} dropped")
            if called(each.value) not in _AS_GOOD_TWICE:
                yield doubled(text, each, RELEASE, f"{called(each.value)} doubled")
    for one, other in pairwise(block):
        if stores(other) and not stores(one) and _may_refuse(one):
            yield swapped(text, one, other, REFUSAL, "changed before a refusal")


def _may_refuse(part: ast.stmt) -> bool:
    if isinstance(part, ast.With | ast.FunctionDef | ast.ClassDef):
        return False
    raises = any(isinstance(node, ast.Raise) for node in ast.walk(part))
    return calls(part, _REFUSES) or (isinstance(part, ast.If) and raises)


def _in_account(text: Text, node: ast.AugAssign) -> Iterator[DeviceEdit]:
    name, span = text.of(node.target), text.span(node.value)
    mine, instead = ("+=", "-=") if isinstance(node.op, ast.Add) else ("-=", "+=")
    yield dropped(text, node, ACCOUNT, f"{name} not changed")
    if isinstance(node.value, ast.List):
        return
    first = text.source.index(mine, text.span(node.target)[1])
    yield DeviceEdit(first, first + len(mine), instead, ACCOUNT, f"{mine} as {instead}")
    yield DeviceEdit(*span, f"({text.of(node.value)}) + 1", ACCOUNT, f"{name} one too many")


def _in_comparison(text: Text, node: ast.Compare) -> Iterator[DeviceEdit]:
    left = node.left
    for operator, right in zip(node.ops, node.comparators, strict=True):
        if type(operator) in _ORDER:
            mine, instead = _ORDER[type(operator)]
            first = text.source.index(mine, text.span(left)[1])
            yield DeviceEdit(first, first + len(mine), instead, BOUNDARY, f"{mine} as {instead}")
        left = right


def _in_call(text: Text, node: ast.Call) -> Iterator[DeviceEdit]:
    name = called(node)
    if name in {"refuse", "OSError", "_fail"}:
        for each in node.args[:2]:
            code = each.attr if isinstance(each, ast.Attribute) else each.id if isinstance(each, ast.Name) else ""
            if code in errno.errorcode.values():
                other = "EIO" if code != "EIO" else "EINVAL"
                number = str(getattr(errno, other))
                yield DeviceEdit(*text.span(each), number, ERRNO, f"{code} as {other}")
    elif name == "crc32":
        for other in ("b''", f"bytes({text.of(node.args[0])})[1:]"):
            yield DeviceEdit(*text.span(node.args[0]), other, BUFFER, f"checksum of {other}")
        if text.of(node.args[0]) == "req.page":
            yield DeviceEdit(*text.span(node.args[0]), "req.entry", BUFFER, "checksum of the object")
    elif name == "ljust" and isinstance(node.func, ast.Attribute):
        yield DeviceEdit(*text.span(node), text.of(node.func.value), BUFFER, "padding dropped")
        yield DeviceEdit(*text.span(node.args[1]), 'b"x"', BUFFER, "padding of something else")


def _in_try(text: Text, node: ast.Try) -> Iterator[DeviceEdit]:
    for handler in node.handlers:
        for each in handler.body:
            if not isinstance(each, ast.Return | ast.Raise | ast.Continue | ast.Break | ast.Pass):
                yield dropped(text, each, EXCEPTION, "left out after an exception")
        if any(isinstance(each, ast.Raise) and each.exc is None for each in handler.body):
            yield dropped(text, handler.body[-1], EXCEPTION, "exception swallowed")
    for each in node.finalbody:
        yield dropped(text, each, EXCEPTION, "left out in the end")
    if node.finalbody and not node.handlers and not node.orelse:
        body = "".join(outwards(whole(text, each)) for each in (*node.body, *node.finalbody))
        yield DeviceEdit(
            lines(text, node)[0], lines(text, node)[1], body, EXCEPTION, "done only where nothing is raised"
        )
