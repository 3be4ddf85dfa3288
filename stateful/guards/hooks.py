"""The hooks: while they are in place, every access to a declared field, or to what is in it, is judged.

Production code pays nothing: its classes are as they were before and after.
"""

import mmap
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import wraps
from types import MemberDescriptorType, SimpleNamespace

from stateful.common.replaced import Replaced
from stateful.guards.containers import Contents, GuardedMap, contents_of, guarded, is_container
from stateful.guards.guard import Guard, GuardKind
from stateful.guards.judge import Judge, Rule
from stateful.guards.table import IDENTITY
from zram_impl.bdev.device import BackingDevice
from zram_impl.compression.algorithms import ALGORITHMS
from zram_impl.compression.algorithms.algorithm import Algorithm, Make
from zram_impl.device import algorithm_settings
from zram_impl.table import segments

_Method = Callable[..., object]  # type: ignore[explicit-any]  # takes whatever the method of the class takes


class _WriteOnce:
    """A field that is written once, of a class with a `__dict__`; without `__get__`, so that reads cost nothing."""

    def __init__(self, judge: Judge, rule: Rule, contents: Rule | None) -> None:
        self._judge, self._rule, self._contents = judge, rule, contents

    def __set__(self, obj: object, value: object) -> None:
        if not self._judge.idle:
            self._judge.accessed(self._rule, obj, True)
        obj.__dict__[self._rule.field] = self._wrapped(obj, value)
        if self._rule.noted:
            self._judge.changed(self._rule, obj, value)

    def _wrapped(self, obj: object, value: object) -> object:
        """Return what is to be in the field: containers are replaced by guarded ones."""
        if self._contents is not None:
            before = contents_of(self._load(obj))
            if before is not None and contents_of(value) is not before and before.rule is self._contents:
                before.rule = None  # a container taken out of the field belongs to the task that took it
        if not is_container(value):
            return value
        assert self._contents is not None, f"declared_contents: {self._rule.key} holds a {type(value).__name__}"
        return guarded(value, Contents(self._judge, self._contents, obj))

    def _load(self, obj: object) -> object:
        return obj.__dict__.get(self._rule.field)


class _Field(_WriteOnce):
    """Any other field of a class with a `__dict__`."""

    def __get__(self, obj: object | None, owner: type) -> object:
        if obj is None:
            return self
        if not self._judge.idle:
            self._judge.accessed(self._rule, obj, False)
        try:
            return obj.__dict__[self._rule.field]
        except KeyError:
            raise AttributeError(self._rule.field) from None

    def __delete__(self, obj: object) -> None:
        if not self._judge.idle:
            self._judge.accessed(self._rule, obj, True)
        del obj.__dict__[self._rule.field]


class _Slot(_WriteOnce):
    """A field of a class with slots."""

    def __init__(self, judge: Judge, rule: Rule, contents: Rule | None, member: MemberDescriptorType) -> None:
        super().__init__(judge, rule, contents)
        self._member = member

    def __get__(self, obj: object | None, owner: type) -> object:
        if obj is None:
            return self
        if not self._judge.idle and self._rule.kind is not GuardKind.ONCE:
            self._judge.accessed(self._rule, obj, False)
        return self._member.__get__(obj, owner)

    def __set__(self, obj: object, value: object) -> None:  # type: ignore[explicit-override]  # typing: 3.12
        if not self._judge.idle:
            self._judge.accessed(self._rule, obj, True)
        self._member.__set__(obj, self._wrapped(obj, value))
        if self._rule.noted:
            self._judge.changed(self._rule, obj, value)

    def __delete__(self, obj: object) -> None:
        if not self._judge.idle:
            self._judge.accessed(self._rule, obj, True)
        self._member.__delete__(obj)

    def _load(self, obj: object) -> object:  # type: ignore[explicit-override]  # typing: 3.12
        try:
            return self._member.__get__(obj, type(obj))
        except AttributeError:
            return None


def compiled(table: Mapping[type, Mapping[str, Guard]]) -> dict[type, dict[str, Rule]]:
    """Return the rules of a table."""
    return {owner: {name: Rule(owner, name, guard) for name, guard in mine.items()} for owner, mine in table.items()}


@contextmanager
def installed(judge: Judge) -> Iterator[None]:
    """Put the hooks in place for a while."""
    with ExitStack() as stack:
        for owner, rules in judge.rules.items():
            if owner is Algorithm:
                stack.enter_context(_algorithms(judge, rules))
            elif owner is not BackingDevice:  # the code that makes one calls `calls_judged`
                _hook(stack, judge, owner, rules)
        replaced = SimpleNamespace(**{**vars(mmap), "mmap": GuardedMap})
        stack.enter_context(Replaced(segments, "mmap", replaced))
        for owner in IDENTITY:
            stack.enter_context(Replaced(owner, "__eq__", _comparing(judge, owner, equal=True)))
            stack.enter_context(Replaced(owner, "__ne__", _comparing(judge, owner, equal=False)))
        yield


def _hook(stack: ExitStack, judge: Judge, owner: type, rules: Mapping[str, Rule]) -> None:
    for name, rule in rules.items():
        if name.endswith("()"):
            stack.enter_context(Replaced(owner, rule.field, _calling(judge, rule, getattr(owner, rule.field))))
        elif not name.endswith("]"):
            stack.enter_context(Replaced(owner, name, _field(judge, owner, rule, rules.get(f"{name}[]"))))
    if "__init__" in vars(owner):
        stack.enter_context(Replaced(owner, "__init__", _making(judge, vars(owner)["__init__"])))


def _field(judge: Judge, owner: type, rule: Rule, contents: Rule | None) -> _WriteOnce:
    member = vars(owner).get(rule.field)
    if isinstance(member, MemberDescriptorType):
        return _Slot(judge, rule, contents, member)
    return (_WriteOnce if rule.kind is GuardKind.ONCE else _Field)(judge, rule, contents)


@contextmanager
def calls_judged(judge: Judge, declared: type, owner: type) -> Iterator[None]:
    """Judge calls of a class by what a protocol declares, for a while."""
    with ExitStack() as stack:
        for rule in judge.rules[declared].values():
            stack.enter_context(Replaced(owner, rule.field, _calling(judge, rule, getattr(owner, rule.field))))
        yield


def _calling(judge: Judge, rule: Rule, method: _Method) -> _Method:
    @wraps(method)
    def call(self: object, *args: object, **named: object) -> object:
        judge.called(rule, self)
        return method(self, *args, **named)

    return call


def _making(judge: Judge, init: _Method) -> _Method:
    @wraps(init)
    def made(self: object, *args: object, **named: object) -> None:
        maker = judge.makes(self)
        if maker is None:
            init(self, *args, **named)
            judge.register(self)
            return
        try:
            init(self, *args, **named)
        finally:
            judge.has_made(maker)

    return made


def _comparing(judge: Judge, owner: type, *, equal: bool) -> _Method:
    compare: _Method = getattr(owner, "__eq__" if equal else "__ne__")

    def call(self: object, other: object) -> object:
        judge.compared(owner)
        return compare(self, other)

    return call


def _algorithms(judge: Judge, rules: Mapping[str, Rule]) -> Replaced:
    """Hook the algorithms: they are tuples of functions, made anew for each device."""

    def hooked(make: Make) -> Make:
        return lambda params: _judged(judge, rules, make(params))

    table = {name: hooked(make) for name, make in ALGORITHMS.items()}
    return Replaced(algorithm_settings, "ALGORITHMS", table)


def _judged(judge: Judge, rules: Mapping[str, Rule], made: Algorithm) -> Algorithm:
    """Return an algorithm whose calls are judged."""

    def compress(page: bytes) -> bytes:
        judge.called(rules["compress()"], made)
        return made.compress(page)

    def decompress(data: bytes) -> bytes:
        judge.called(rules["decompress()"], made)
        return made.decompress(data)

    def unpack(data: bytes, size: int) -> bytes:
        judge.called(rules["decompress()"], made)
        assert made.unpack is not None, "it is called only where it is offered"
        return made.unpack(data, size)

    return made._replace(compress=compress, decompress=decompress, unpack=unpack if made.unpack else None)
