"""Idle marks, put on at a caller's word and taken off by any access.

Same-filled and written-back pages are passed over: nothing that idle marks are for happens to them.

Kernel: mark_idle(), as of 7.3.4.
"""

from typing import Final

from zram_impl.events.observer import Observer
from zram_impl.runtime import Lock
from zram_impl.table.access_times import TICKS, AccessTimes
from zram_impl.table.slot_table import IDLE, SlotTable

STEP: Final = 1024
"""Slots looked at in one hold of the table lock."""


def mark_idle(table: SlotTable, times: AccessTimes, lock: Lock, before: int | None, observer: Observer | None) -> None:
    """Mark the pages in memory that were last accessed before second `before`, and take the mark off all others.

    Seconds are whole, as the driver keeps them: a page accessed within second `before` itself is not idle. None marks
    every page in memory.
    """
    for first in range(0, len(table.entries), STEP):
        with lock:
            # Race with an access that begins a new second: ticks may be numbered anew without this lock, not within it.
            young = TICKS if before is None else times.first_from(before)
            changed = table.mark_idle(range(first, min(first + STEP, len(table.entries))), times.ticks, young)
            if observer is not None:
                _report(table, changed, observer)


def _report(table: SlotTable, changed: list[int], observer: Observer) -> None:
    for index in changed:
        observer("mark_idle" if table.flags[index] & IDLE else "clear_idle", index)
