"""A runtime whose conditions note how long is waited for."""

import threading
from collections.abc import Callable
from types import TracebackType

from zram_impl.runtime import Rank, ThreadRuntime

SHORTEST = 0.01
LONGEST = 1.0


class Noted:
    """A condition that notes how long is waited for."""

    def __init__(self, note: Callable[[float | None], None]) -> None:
        self._inner = threading.Condition(threading.Lock())
        self._note = note

    def __enter__(self) -> object:
        return self._inner.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None, /
    ) -> None:
        self._inner.__exit__(kind, value, where)

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        self._note(timeout)
        return self._inner.wait_for(predicate, timeout)

    def notify_all(self) -> None:
        self._inner.notify_all()


class NotingRuntime(ThreadRuntime):
    """Native threads, and conditions that note how long is waited for."""

    def __init__(self) -> None:
        self.waits: dict[str, set[float | None]] = {}

    def condition(self, name: str, rank: Rank) -> Noted:  # type: ignore[explicit-override]  # typing: from 3.12 on
        del rank
        return Noted(self.waits.setdefault(name, set()).add)
