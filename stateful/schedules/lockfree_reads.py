"""A slot table whose lock-free looks are scheduling points: what is read without the lock may change any moment."""

from typing import SupportsIndex

from stateful.schedules.scheduler import ScheduledRuntime
from zram_impl.pages.page_io import Pages
from zram_impl.runtime import Rank
from zram_impl.table.entries import Entry
from zram_impl.table.segments import Segments


class WatchedEntries(list[Entry]):
    """The entries of a table; a look at one without the table lock is a point."""

    def __init__(self, entries: list[Entry], runtime: ScheduledRuntime) -> None:
        super().__init__(entries)
        self._runtime = runtime

    def __getitem__(self, index: SupportsIndex) -> Entry:  # type: ignore[override,explicit-override]  # no slices
        """Look at an entry."""
        task = self._runtime.current
        if task is not None and Rank.TABLE not in task.held:
            self._runtime.point("look")
        return super().__getitem__(index)


class WatchedSegments(Segments):
    """Segments of moved objects; a load without the table lock is a lock-free read, too."""

    __slots__ = ("_runtime",)

    def __init__(self, runtime: ScheduledRuntime) -> None:
        super().__init__()
        self._runtime = runtime

    def load(self, segment: int, offset: int, size: int) -> bytes | None:  # type: ignore[explicit-override]  # 3.12
        """Load an object."""
        task = self._runtime.current
        if task is not None and Rank.TABLE not in task.held:
            self._runtime.point("look")
        return super().load(segment, offset, size)


def watch(pages: Pages, runtime: ScheduledRuntime) -> None:
    """Watch the looks at the pages of a new device."""
    pages.table.segments = WatchedSegments(runtime)
    pages.table.entries = pages._entries = WatchedEntries(pages.table.entries, runtime)
