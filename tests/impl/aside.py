"""A call in a thread of its own, whose outcome is handed on; a test that waits for one that hangs fails."""

import threading
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from tests.hanging import threads
from tests.impl.doubles import PATIENCE

T = TypeVar("T")


class Aside(Generic[T]):
    """A call that runs in a thread."""

    def __init__(self, run: Callable[[], T]) -> None:
        self._run = run
        self._value: list[T] = []
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._body, daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Return whether it has ended."""
        return not self._thread.is_alive()

    @property
    def failed(self) -> bool:
        """Return whether it has raised."""
        return self._failure is not None

    def ends(self, seconds: float = PATIENCE) -> bool:
        """Return whether it ends within some time."""
        self._thread.join(seconds)
        return self.over

    def join(self) -> T:
        """Wait for it; return what it returned, or raise what it raised."""
        assert self.ends(), "\n".join(["it hangs:", *threads()])
        if self._failure is not None:
            raise self._failure
        return self._value[0]

    def _body(self) -> None:
        try:
            self._value.append(self._run())
        except BaseException as error:  # raised again by `join`
            self._failure = error


def joined(calls: Iterable[Aside[T]]) -> list[T]:
    """Wait for calls in their order; return what they returned, or raise what the first one raised."""
    return [call.join() for call in calls]
