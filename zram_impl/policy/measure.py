"""The memory that a device takes, and the limit that keeps its objects within a budget."""

from typing import Final

from zram_impl.pages.page_io import Pages
from zram_impl.policy.protocol import MemoryUse
from zram_impl.table.slot_table import limit_of
from zram_impl.units import PAGE_SIZE

BOOKKEEPING: Final = 48
"""Bytes that Python and the allocator take for a stored page besides its object, in memory or written back."""


def measured(pages: Pages, budget: int, *, before: int, own_limit_pages: int, waiting: int) -> MemoryUse:
    """Return the use of memory at this moment, and limit the objects so that all of it stays within `budget`.

    Takes the table lock. `before` are the bytes used at the last look, `own_limit_pages` is the device's mem_limit,
    which holds as well.
    """
    with pages.shared.lock:
        table, blocks = pages.table, pages.blocks
        kept = table.pages_stored - table.same_pages
        clean = pages.clean.size if pages.clean is not None else 0
        beside = BOOKKEEPING * kept + table.used - table.compr_data_size + clean
        # A page must fit, or nothing could ever be written.
        table.limit = min(limit_of(own_limit_pages), max(budget - beside, PAGE_SIZE))
        used = table.compr_data_size + beside
        return MemoryUse(
            budget=budget,
            used=used,
            grown=used - before,
            holes=max(table.peak - table.compr_data_size, 0),
            stored=kept - blocks.used,
            backed=blocks.used,
            spillable=min(len(blocks.map) - blocks.used, pages.shared.budget.affordable),
            waiting=waiting,
        )
