"""A runtime in which a thread cannot be started."""

from collections.abc import Callable
from typing import TypeVar

from zram_impl.faults.choosing import always
from zram_impl.faults.operation import Chosen, Operation, Selection
from zram_impl.runtime import Condition, Lock, Rank, Runtime, Task
from zram_impl.shield import Interrupts, held_back

T = TypeVar("T")


class ScarceThreads:
    """A runtime around another; selected starts (of kind "spawn") raise what `threading` raises at its limit.

    Some systems raise an OSError instead: `failure` is raised as it is.
    """

    def __init__(self, runtime: Runtime, when: Chosen = always, *, failure: Exception | None = None) -> None:
        """Surround `runtime`."""
        self.runtime: Runtime = runtime
        self._failure = failure
        self._selection = Selection(when)

    @property
    def selected(self) -> tuple[Operation, ...]:
        """The starts that failed."""
        return self._selection.selected()

    def lock(self, name: str, rank: Rank) -> Lock:
        """Make a lock."""
        return self.runtime.lock(name, rank)

    def condition(self, name: str, rank: Rank) -> Condition:
        """Make a condition."""
        return self.runtime.condition(name, rank)

    def spawn(self, run: Callable[[], None], name: str) -> Task:
        """Start a task, or raise the failure."""
        if self._selection.select("spawn") is not None:
            raise self._failure or RuntimeError(f"can't start new thread (ordered: {name})")
        return self.runtime.spawn(run, name)

    def me(self) -> int:
        """Return the number of the calling task."""
        return self.runtime.me()

    def interruptible(self) -> bool:
        """Return whether a KeyboardInterrupt may land in the calling task."""
        return self.runtime.interruptible()

    def shielded(self, run: Callable[[Interrupts], T], lost: Callable[[T], object] | None = None) -> T:
        """Do `run` on the shield; where that would start a thread, and it is not to start, in the calling task."""
        if self.interruptible() and self._selection.select("spawn") is not None:
            return held_back(run, lost)
        return self.runtime.shielded(run, lost)

    def now(self) -> float:
        """Return the time."""
        return self.runtime.now()
