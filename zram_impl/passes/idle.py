"""Idle marks, put on by who watches the device and taken off by any access.

Same-filled and written-back pages are passed over: nothing that idle marks are for happens to them.

Kernel: mark_idle(), as of 7.3.4.
"""

from typing import Final

from zram_impl.events.observer import Observer
from zram_impl.runtime import Lock
from zram_impl.table.access_times import TICKS, AccessTimes
from zram_impl.table.slot_table import IDLE, IN_MEMORY, SlotTable

STEP: Final = 1024
"""Slots looked at in one hold of the table lock."""


def mark_idle(table: SlotTable, times: AccessTimes, lock: Lock, before: int | None, observer: Observer | None) -> None:
    """Mark the pages in memory that were last accessed before second `before`, and take the mark off all others.

    Seconds are whole, as the driver keeps them: what was accessed within second `before` itself is not idle. None
    marks every page in memory.
    """
    for first in range(0, len(table.entries), STEP):
        with lock:
            # Within the lock, because ticks may be numbered anew without it.
            young = TICKS if before is None else times.first_from(before)
            _mark(table, times, range(first, min(first + STEP, len(table.entries))), young, observer)


def _mark(table: SlotTable, times: AccessTimes, indexes: range, young: int, observer: Observer | None) -> None:
    """Mark the pages of `indexes` whose tick is below `young`; the table lock is held."""
    entries, flags, ticks = table.entries, table.flags, times.ticks
    for index in indexes:
        if not isinstance(entries[index], IN_MEMORY):
            continue
        idle = ticks[index] < young
        if idle == bool(flags[index] & IDLE):
            continue
        table.set_idle(index, idle=idle)
        if observer is not None:
            observer("mark_idle" if idle else "clear_idle", index)
