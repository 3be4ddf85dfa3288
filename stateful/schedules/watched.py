"""A slot table whose lock-free looks are scheduling points: what is read without the lock may change any moment."""

from typing import SupportsIndex

from stateful.schedules.baton import BatonRuntime
from zram_impl.disk import Disk
from zram_impl.entries import Entry
from zram_impl.runtime import Rank


class WatchedEntries(list[Entry]):
    """The entries of a table; a look at one without the table lock is a point."""

    def __init__(self, entries: list[Entry], runtime: BatonRuntime) -> None:
        super().__init__(entries)
        self._runtime = runtime

    def __getitem__(self, index: SupportsIndex) -> Entry:  # type: ignore[override,explicit-override]  # no slices
        """Look at an entry."""
        task = self._runtime.current
        if task is not None and Rank.TABLE not in task.held:
            self._runtime.point("look")
        return super().__getitem__(index)


def watch(disk: Disk, runtime: BatonRuntime) -> None:
    """Watch the looks at a new disk."""
    disk.table.entries = disk._entries = WatchedEntries(disk.table.entries, runtime)
