"""Happens-before, by vector clocks: what each task knows of the others, by locks, and by starts and ends of tasks.

After FastTrack (Flanagan and Freund, PLDI 2009): two accesses of which one is a write race unless one of them happens
before the other, whether or not this schedule shows harm.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator


class Clocks:
    """The clocks of one run. Tasks go by their numbers."""

    def __init__(self) -> None:
        self._tasks: defaultdict[int, dict[int, int]] = defaultdict(dict)
        self._locks: dict[Hashable, dict[int, int]] = {}

    def now(self, task: int) -> int:
        """Return a task's own time."""
        return self._tasks[task].get(task, 1)

    def knows(self, task: int, other: int, when: int) -> bool:
        """Return whether what `other` did at a time of its own happened before what `task` does now."""
        return task == other or self._tasks[task].get(other, 0) >= when

    def acquired(self, task: int, lock: Hashable) -> None:
        """Let a task know what those who released a lock knew."""
        self._merge(task, self._locks.get(lock, {}))

    def released(self, task: int, lock: Hashable) -> None:
        """Leave what a task knows with a lock."""
        self._locks[lock] = {**self._tasks[task], task: self.now(task)}
        self._tasks[task][task] = self.now(task) + 1

    def started(self, parent: int, child: int) -> None:
        """Let a task that begins know what the one that starts it knows."""
        self._tasks[child] = {**self._tasks[parent], parent: self.now(parent)}
        self._tasks[parent][parent] = self.now(parent) + 1

    def joined(self, task: int, other: int) -> None:
        """Let a task know everything of another that has ended."""
        self._merge(task, {**self._tasks[other], other: self.now(other)})

    def _merge(self, task: int, known: dict[int, int]) -> None:
        mine = self._tasks[task]
        for other, when in known.items():
            if mine.get(other, 0) < when:
                mine[other] = when


class Uses:
    """The last write of something, and the reads of each task since: when that was, and where."""

    __slots__ = ("_reads", "_write")

    def __init__(self) -> None:
        self._write: tuple[int, int, str] | None = None
        self._reads: dict[int, tuple[int, str]] = {}

    def unordered(self, clocks: Clocks, task: int, *, write: bool) -> Iterator[str]:
        """Yield the accesses that an access of a task now races with."""
        if self._write is not None and not clocks.knows(task, *self._write[:2]):
            yield f"its write by task {self._write[0]} in {self._write[2]}"
        if write:
            for other, (when, where) in self._reads.items():
                if not clocks.knows(task, other, when):
                    yield f"its read by task {other} in {where}"

    def note(self, clocks: Clocks, task: int, place: str, *, write: bool) -> None:
        """Note an access of a task now."""
        if write:
            self._write = task, clocks.now(task), place
            self._reads.clear()
        else:
            self._reads[task] = clocks.now(task), place
