"""Containers whose contents are guarded: each read, each write and each step of an iteration is judged."""

import mmap
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Final

from stateful.guards.judge import Judge, Rule

_Method = Callable[..., object]  # type: ignore[explicit-any]  # takes whatever the method of the container takes

_READS: Final = (
    "__add__", "__contains__", "__eq__", "__getitem__", "copy", "count", "find", "get", "index", "items", "keys",
    "replace", "tobytes", "values",
)  # fmt: skip
_GROWS: Final = (
    "__iadd__", "__ior__", "__setitem__", "add", "append", "appendleft", "extend", "extendleft", "insert",
    "setdefault", "update",
)  # fmt: skip
_SHRINKS: Final = (
    "__delitem__", "clear", "discard", "pop", "popitem", "popleft", "remove", "reverse", "rotate", "sort",
)  # fmt: skip


class Contents:
    """The guard of a container, for as long as it is in its field."""

    __slots__ = ("_judge", "_owner", "rule")

    def __init__(self, judge: Judge, rule: Rule, owner: object) -> None:
        self.rule: Rule | None = rule
        self._judge = judge
        self._owner = owner

    @property
    def watched(self) -> bool:
        """True while accesses are judged."""
        return self.rule is not None and self._judge.task is not None

    def read(self) -> None:
        """Judge a read."""
        if self.rule is not None and not self._judge.idle:
            self._judge.accessed(self.rule, self._owner, False)

    def write(self) -> None:
        """Judge a write."""
        if self.rule is not None and not self._judge.idle:
            self._judge.accessed(self.rule, self._owner, True)

    def grown(self, container: object) -> None:
        """Note that something was put in, for which somebody may wait."""
        if self.rule is not None and self.rule.noted:
            self._judge.changed(self.rule, self._owner, container)


def _reading(method: _Method) -> _Method:
    @wraps(method)
    def call(self: object, *args: object) -> object:
        if (contents := contents_of(self)) is not None:
            contents.read()
        return method(self, *args)

    return call


def _iterating(method: _Method) -> _Method:
    def each(found: Iterator[object], contents: Contents) -> Iterator[object]:
        for item in found:
            contents.read()
            yield item

    @wraps(method)
    def call(self: object) -> object:
        found, contents = method(self), contents_of(self)
        assert isinstance(found, Iterator), "a container is iterated"
        return found if contents is None or not contents.watched else each(found, contents)

    return call


def _writing(method: _Method, *, grows: bool) -> _Method:
    @wraps(method)
    def call(self: object, *args: object) -> object:
        contents = contents_of(self)
        if contents is None:
            return method(self, *args)
        contents.write()
        result = method(self, *args)
        if grows:
            contents.grown(self)
        return result

    return call


def _copied(table: dict[object, object]) -> dict[object, object]:
    """Copy in one step, as a plain dict does; one with an `__iter__` of its own would be asked for key after key."""
    return dict(dict.items(table))


def _guarded(base: type) -> type:
    """Make the guarded kind of a container."""
    namespace: dict[str, object] = {"contents": None, "__hash__": base.__hash__}
    for names, hook in (
        (_READS, _reading),
        (("__iter__", "__reversed__"), _iterating),
        (_GROWS, lambda method: _writing(method, grows=True)),
        (_SHRINKS, lambda method: _writing(method, grows=False)),
    ):
        namespace |= {name: hook(getattr(base, name)) for name in names if hasattr(base, name)}
    if base is dict:
        namespace["copy"] = _reading(_copied)
    if base not in _OF_ONE_LENGTH:
        namespace["__len__"] = _reading(getattr(base, "__len__"))  # noqa: B009  (of any container)
    return type(f"Guarded{base.__name__.title()}", (base,), namespace)


_OF_ONE_LENGTH: Final = (list, bytearray, array)
"""Containers that often have one length for their life, which is no secret."""
_CONTAINERS: Final = (list, dict, set, deque, bytearray, array)
_GUARDED: Final[dict[type, type]] = {base: _guarded(base) for base in _CONTAINERS}


class GuardedMap(mmap.mmap):
    """A mapping whose contents are guarded; `contents` is set once it is in its field."""

    contents: Contents | None = None

    def __getitem__(self, where: object) -> bytes:  # type: ignore[override,explicit-override]  # parts alone
        """Read a part."""
        if self.contents is not None:
            self.contents.read()
        assert isinstance(where, slice), "a part of a mapping is read, not a byte"
        return super().__getitem__(where)

    def madvise(self, *args: int) -> None:  # type: ignore[explicit-override]  # typing: 3.12
        """Give memory back."""
        if self.contents is not None:
            self.contents.write()
        super().madvise(*args)

    def close(self) -> None:  # type: ignore[explicit-override]  # typing: 3.12
        """Give all of it back."""
        if self.contents is not None:
            self.contents.write()
        super().close()


def contents_of(value: object) -> Contents | None:
    """Return what is guarded about a container, None about anything else."""
    found = getattr(value, "contents", None)
    return found if isinstance(found, Contents) else None


def is_container(value: object) -> bool:
    """Return whether a value is a container that is not guarded yet."""
    return type(value) in _GUARDED or (isinstance(value, GuardedMap) and value.contents is None)


def guarded(value: object, contents: Contents) -> object:
    """Return a guarded container of what is in `value`; it must have no other name."""
    if isinstance(value, GuardedMap):
        value.contents = contents
        return value
    kind = _GUARDED[type(value)]
    if isinstance(value, array):
        made: object = kind(value.typecode, value)
    else:
        made = kind(value)
    setattr(made, "contents", contents)  # noqa: B010  (of a class that no type checker knows)
    return made
