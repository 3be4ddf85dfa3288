"""An attribute that is another one for a while; `unittest.mock`, which can do it too, takes 50 ms to import."""

from types import ModuleType, TracebackType
from typing import Final

_ABSENT: Final = object()


class Replaced:
    """A context manager: while it lasts, an attribute of a class or module is another one.

    A class that has inherited the attribute, or has none of that name, has no attribute of its own afterwards either.
    """

    def __init__(self, owner: type | ModuleType, name: str, other: object) -> None:
        self._owner, self._name, self._other = owner, name, other

    def __enter__(self) -> None:
        self._before: object = vars(self._owner).get(self._name, _ABSENT)
        setattr(self._owner, self._name, self._other)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._before is _ABSENT:
            delattr(self._owner, self._name)
        else:
            setattr(self._owner, self._name, self._before)
