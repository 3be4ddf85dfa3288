"""Mistakes with locks, conditions and the order in which things become known."""

import ast
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from spec.mutate.source import Text
from stateful.mutate.edits import (
    DeviceEdit,
    blocks,
    called,
    calls,
    dropped,
    indent,
    inwards,
    leaves,
    lines,
    outwards,
    swapped,
    whole,
)

SCOPE: Final = "lock scope"
TWO_HOLDS: Final = "two holds of a lock"
CHECK: Final = "check under a lock dropped"
AFTER: Final = "read or swapped after the unlock"
NOTIFY: Final = "notification"
WAIT: Final = "predicate or patience"
BUSY: Final = "lock held while working"
IDENTITY: Final = "identity"

_WAKES: Final = frozenset({"notify_all", "_wake", "_on_end", "_pass_ended"})
_WORK: Final = frozenset({
    "encode", "decode", "_decode", "compress", "_compress", "unpack", "read", "write", "carry", "answered", "submit",
    "crc32", "join",
})  # fmt: skip
_ONCE: Final = "iter([False] + [True] * 9).__next__"


def edits(text: Text) -> Iterator[DeviceEdit]:
    """Yield every mistake of these kinds."""
    for block in blocks(text.tree):
        yield from _in_block(text, block)
    for node in ast.walk(text.tree):
        if isinstance(node, ast.With) and (lock := lock_of(text, node)):
            yield from _in_hold(text, node, lock)
        elif isinstance(node, ast.Call):
            yield from _in_wait(text, node)
        elif isinstance(node, ast.Compare):
            yield from _in_identity(text, node)
        elif isinstance(node, ast.ClassDef):
            yield from _called_under_lock(text, node)


def lock_of(text: Text, node: ast.With) -> str:
    """Return the lock that is held, or "". Other context managers are made by a call."""
    held = [text.of(item.context_expr) for item in node.items if not isinstance(item.context_expr, ast.Call)]
    return held[-1] if held and all(item.optional_vars is None for item in node.items) else ""


def _in_hold(text: Text, node: ast.With, lock: str) -> Iterator[DeviceEdit]:
    first, last = text.span(node)[0], text.span(node.items[-1].context_expr)[1]
    kept = [text.of(item.context_expr) for item in node.items if text.of(item.context_expr) != lock]
    yield DeviceEdit(first, last, f"with {', '.join(kept)}" if kept else "if True", SCOPE, f"{lock} not taken")
    yield from _checks(text, node.body, lock)
    if len(node.body) == 1:
        return
    head = text.source[lines(text, node)[0] : lines(text, node.body[0])[0]]
    start, end = lines(text, node)
    inner = [whole(text, each) for each in node.body]
    # comments between statements stay where they are
    rest = text.source[lines(text, node.body[0])[1] : end]
    if not isinstance(node.body[0], ast.Return | ast.Raise | ast.Continue | ast.Break):
        yield DeviceEdit(start, end, outwards(inner[0]) + head + rest, SCOPE, f"first statement before {lock}")
    before = text.source[start : lines(text, node.body[-1])[0]]
    final = node.body[-1]
    reads = isinstance(final, ast.Return) or (isinstance(final, ast.Assign) and isinstance(final.value, ast.Tuple))
    # what is local is the same after the unlock
    if any(isinstance(each, ast.Attribute | ast.Subscript | ast.Call) for each in ast.walk(final)):
        kind = AFTER if reads else SCOPE
        yield DeviceEdit(start, end, before + outwards(inner[-1]), kind, f"last statement after {lock}")
    for k in range(1, len(node.body) - _is_return_of_a_name(final)):
        if any(isinstance(each, ast.If | ast.Assign | ast.AnnAssign) for each in node.body[:k]):
            at = lines(text, node.body[k])[0]
            yield DeviceEdit(
                at, at, f"{indent(text, node)}with {lock}:\n", TWO_HOLDS, f"{lock} released and taken again"
            )


def _is_return_of_a_name(part: ast.stmt) -> bool:
    """Return whether it needs no lock, whatever came before: a name is local."""
    return isinstance(part, ast.Return) and isinstance(part.value, ast.Name)


def _checks(text: Text, body: Sequence[ast.stmt], lock: str) -> Iterator[DeviceEdit]:
    for each in body:
        if leaves(each):
            yield dropped(text, each, CHECK, f"check under {lock} dropped")


def _called_under_lock(text: Text, node: ast.ClassDef) -> Iterator[DeviceEdit]:
    """Let the lock go in the middle of what is called with it held."""
    methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
    under: dict[str, str] = {}
    for held in ast.walk(node):
        if isinstance(held, ast.With) and (lock := lock_of(text, held)):
            under |= {
                called(call): lock
                for part in held.body
                for call in ast.walk(part)
                if isinstance(call, ast.Call) and text.of(call.func).startswith("self._")
            }
    for name, lock in under.items():
        if name in methods:
            body = methods[name].body
            yield from _checks(text, body, lock)
            for one, other in pairwise(body):
                if leaves(one):
                    at, blanks = lines(text, other)[0], indent(text, other)
                    again = f"{blanks}{lock}.__exit__(None, None, None)\n{blanks}{lock}.__enter__()\n"
                    yield DeviceEdit(at, at, again, TWO_HOLDS, f"{lock} released and taken again")


def _in_block(text: Text, block: Sequence[ast.stmt]) -> Iterator[DeviceEdit]:
    for each in block:
        if isinstance(each, ast.Expr) and called(each.value) in _WAKES:
            yield dropped(text, each, NOTIFY, f"{called(each.value)} dropped")
    for one, other in pairwise(block):
        if _wakes(other) and not _wakes(one) and not leaves(one):
            yield swapped(text, one, other, NOTIFY, "notified before the change")
        if isinstance(other, ast.With) and (lock := lock_of(text, other)) and _works(one):
            inside = other.body[0]
            head = text.source[lines(text, other)[0] : lines(text, inside)[0]]
            moved = head + inwards(whole(text, one)) + text.source[lines(text, inside)[0] : lines(text, other)[1]]
            yield DeviceEdit(lines(text, one)[0], lines(text, other)[1], moved, BUSY, f"{lock} held in between")


def _wakes(part: ast.stmt) -> bool:
    if isinstance(part, ast.With):
        return _wakes(part.body[-1]) and len(part.body) == 1
    return isinstance(part, ast.Expr) and called(part.value) in _WAKES


def _works(part: ast.stmt) -> bool:
    return isinstance(part, ast.Assign | ast.Expr | ast.Try) and calls(part, _WORK)


def _in_wait(text: Text, node: ast.Call) -> Iterator[DeviceEdit]:
    if called(node) == "wait_for" and node.args:
        span = text.span(node.args[0])
        yield DeviceEdit(*span, _ONCE, WAIT, "waits once, whatever it waits for")
        yield DeviceEdit(*span, "lambda: True", WAIT, "does not wait")
        if len(node.args) > 1:
            yield DeviceEdit(span[1], text.span(node.args[1])[1], "", WAIT, "waits for ever")
            yield DeviceEdit(*text.span(node.args[1]), "0", WAIT, "no patience")
    elif called(node) == "acquire" and len(node.args) > 1:
        yield DeviceEdit(text.span(node.args[0])[1], text.span(node.args[1])[1], "", WAIT, "waits for ever")


def _in_identity(text: Text, node: ast.Compare) -> Iterator[DeviceEdit]:
    other = node.comparators[0]
    # two types are equal where they are the same one
    name = other.attr if isinstance(other, ast.Attribute) else other.id if isinstance(other, ast.Name) else ""
    # a constant, a member of an enumeration, a type: equal where it is the same one
    known = isinstance(other, ast.Constant) or name[:1].isupper() or called(node.left) == "type"
    if isinstance(node.ops[0], ast.Is | ast.IsNot) and not known:
        mine, instead = ("is not", "!=") if isinstance(node.ops[0], ast.IsNot) else ("is", "==")
        first = text.source.index(mine, text.span(node.left)[1])
        yield DeviceEdit(first, first + len(mine), instead, IDENTITY, f"{mine} as {instead}")
