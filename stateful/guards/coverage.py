"""Coverage of the table: fields it leaves out, names that match nothing, rows that no run has used.

The classes of the device are read from their source: whatever a method assigns to `self` is a field, as is what
`__slots__` and a dataclass name.
"""

import ast
import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import zram_impl
from stateful.guards.guard import Guard, GuardRow, Look
from stateful.guards.judge import Rule
from stateful.guards.table import LOCKS, NOT_GUARDED, WAITS

_CONTROLLED: Final = ("pass over",)
"""Locks that only the controlled runtime makes."""
_MAKES_LOCKS: Final = ("lock", "condition")


class CoveredModule(NamedTuple):
    """The fields, locks and conditions in the source of a module."""

    name: str
    fields: dict[str, frozenset[str]]
    """Of each class."""
    functions: frozenset[str]
    """Qualified names."""
    locks: frozenset[str]
    """Names that locks and conditions are made with."""


@cache
def modules() -> tuple[CoveredModule, ...]:
    """Read every module of the device."""
    found = [importlib.util.find_spec(each.name) for each in pkgutil.walk_packages(zram_impl.__path__, "zram_impl.")]
    return tuple(_read(spec.name, Path(spec.origin)) for spec in found if spec is not None and spec.origin is not None)


def _read(name: str, path: Path) -> CoveredModule:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    fields = {each.name: frozenset(_fields(each)) for each in classes}
    return CoveredModule(name, fields, frozenset(_functions(tree)), frozenset(_locks_made(tree)))


def _fields(found: ast.ClassDef) -> Iterator[str]:
    decorators = [ast.unparse(each) for each in found.decorator_list]
    for node in ast.walk(found):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is(node.value, "self"):
            yield node.attr
        elif isinstance(node, ast.Assign) and _is(node.targets[0], "__slots__"):
            slots = ast.literal_eval(node.value)
            yield from set([slots] if isinstance(slots, str) else slots) - {"__weakref__"}
    if any("dataclass" in each and "frozen" not in each for each in decorators):
        yield from (
            each.target.id
            for each in found.body
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
        )


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _functions(tree: ast.AST, prefix: str = "") -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield prefix + node.name
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")


def _locks_made(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MAKES_LOCKS:
            yield from (
                each.value for each in node.args[:1] if isinstance(each, ast.Constant) and type(each.value) is str
            )


def problems(guards: Mapping[type, Mapping[str, Guard]], not_guarded: Mapping[str, str] = NOT_GUARDED) -> Iterator[str]:
    """Yield what is wrong with a table: fields that it leaves out, and names that match nothing."""
    read = [each for each in modules() if not _excepted(each.name, not_guarded)]
    there = {
        (each.name, name): fields
        for each in read
        for name, fields in each.fields.items()
        if not _excepted(f"{each.name}.{name}", not_guarded)
    }
    for (module, name), fields in there.items():
        missing = fields - _declared(module, name, guards)
        yield from (f"{module}.{name}.{field} has no guard" for field in sorted(missing))
    known = {name for each in modules() for name in (each.name, *(f"{each.name}.{owner}" for owner in each.fields))}
    yield from (f"{name} is declared not to be guarded, and is not there" for name in not_guarded if name not in known)
    places = frozenset[str]().union(*(each.functions for each in read))
    for owner, guarded in guards.items():
        for name, guard in guarded.items():
            mine = [there.get((each.__module__, each.__name__), frozenset[str]()) for each in owner.__mro__]
            yield from _mismatches(owner, name, guard, mine, places)
    made = frozenset[str]().union(_CONTROLLED, *(each.locks for each in read))
    yield from (f"lock {name} is made and not in the table" for name in sorted(made - LOCKS.keys()))
    yield from (f"lock {name} is in the table and not made" for name in sorted(LOCKS.keys() - made))


def _declared(module: str, name: str, guards: Mapping[type, Mapping[str, Guard]]) -> set[str]:
    """Return the names that a class and its bases declare."""
    owner = getattr(importlib.import_module(module), name, None)
    bases = owner.__mro__ if isinstance(owner, type) else ()
    return {declared for base in bases for declared in guards.get(base, {})}


def _excepted(name: str, not_guarded: Mapping[str, str]) -> bool:
    """Return whether a class, a module, or a package that it is in, has no guards."""
    return any(f"{name}.".startswith(f"{excepted}.") for excepted in not_guarded)


def _mismatches(
    owner: type, name: str, guard: Guard, there: Sequence[frozenset[str]], places: frozenset[str]
) -> Iterator[str]:
    where = f"{owner.__name__}.{name}"
    if name.endswith("()"):
        if not callable(getattr(owner, name[:-2], None)) and name[:-2] not in getattr(owner, "_fields", ()):
            yield f"{where} is no method"
    elif name.rstrip("[]") not in there[0]:
        yield f"{where} is no field"
    if guard.of and not any(guard.of in fields for fields in there):  # a base may have made the lock
        yield f"{where} has its lock in {guard.of}, which is no field"
    named = [guard.lock] * bool(guard.lock) + [guard.wakes] * bool(guard.wakes)
    yield from (f"{where} names lock {lock}, which is not in the table" for lock in named if lock not in LOCKS)
    if guard.wakes and guard.wakes not in WAITS:
        yield f"{where} notifies {guard.wakes}, which nobody waits for"
    for look in (*guard.looks, *guard.stores):
        yield from (f"{where} excepts {place}, which is no function" for place in look.places if place not in places)


def unused(rows: Sequence[GuardRow], rules: Mapping[type, Mapping[str, Rule]]) -> Iterator[str]:
    """Yield fields that no run has accessed, unless the table says why, and exceptions that no function made use of."""
    for row in rows:
        mine = {name: rules[row.owner][name] for name in row.names}
        for name, rule in mine.items():
            if rule.watched and bool(rule.accesses) == bool(row.guard.unused):
                how = "accessed, and declared never to be" if rule.accesses else "never accessed"
                yield f"{row.owner.__name__}.{name} is {how}"
        for look in (*row.guard.looks, *row.guard.stores):
            yield from (
                f"{row.owner.__name__} excepts {place} ({', '.join(row.names)}), which needs it no more"
                for place in _idle(look, mine)
            )


def _idle(look: Look, rules: Mapping[str, Rule]) -> list[str]:
    return [place for place in look.places if not any(rule.exceptions[place] for rule in rules.values())]
