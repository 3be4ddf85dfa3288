"""Guarantees that the specification leaves open: which pages a pass takes, why it stops, what it reports.

The account follows the steps of the specification and keeps, in its own words, what a pass has to report: the
`WritebackResult`, the blocks written since the last reset, and whose turn it is to be selected.
"""

from collections.abc import Callable, Iterable, Mapping
from errno import EIO
from typing import Final

from spec.model.state import DONE_OK, FLIGHT, Slot, State
from spec.model.tables import COMMIT, NONE, PP_SLOT, STORED
from spec.model.transitions import completion, may_charge
from zram_impl import WritebackResult
from zram_impl.result import StoppedBy

_WANTS: Final[Mapping[str | None, Callable[[Slot], bool]]] = {
    None: lambda _slot: True,
    "idle": lambda slot: slot.idle == 1,
    "huge": lambda slot: slot.huge == 1,
    "huge_idle": lambda slot: slot.huge == 1 and slot.idle == 1,
}

SELECTS: Final = "the_scan_selects_what_was_asked"
HAS_A_REASON: Final = "a_pass_gives_up_for_a_reason"


class Account:
    """The books of one device.

    Attributes:
        result: Of the running pass, or of the last one.
        bd_writes: Blocks written since the device was set up.
    """

    def __init__(self) -> None:
        self.result = WritebackResult()
        self.bd_writes = 0
        self._wants = _WANTS[None]
        self._to_scan: list[int] | None = []
        """The pages that the pass has yet to look at; None for a keeper's, which chose them."""

    def open(self, mode: str | None, pages: Iterable[int] | None) -> None:
        """Begin a pass that looks at `pages` in this order; None: at those that a keeper chose."""
        self.result = WritebackResult()
        self._wants, self._to_scan = _WANTS[mode], None if pages is None else list(pages)

    def enter(self, before: State, name: str, args: tuple[int, ...], *, cancelled: bool) -> tuple[str, str] | None:
        """Enter a step taken from `before`; return name and sentence of what is wrong with it, if anything is."""
        result = self.result
        match name:
            case "scan":
                result.selected += 1
                if self._to_scan is not None and self._next_to_scan(self._to_scan, before) != args[0]:
                    return SELECTS, f"page {args[0]} is selected out of turn"
            case "end_scan":
                left = None if cancelled or self._to_scan is None else self._next_to_scan(self._to_scan, before)
                if left is not None:
                    return SELECTS, f"page {left} is passed over"
            case "skip":
                result.skipped += 1
            case "give_up":
                result.left += 1
                result.stopped_by = result.stopped_by or reason_to_give_up(before, cancelled=cancelled)
                if result.stopped_by is None:
                    return HAS_A_REASON, f"page {args[0]} is given up for no reason"
            case "reap":
                self._reap(before, args[0])
            case "reset":
                self.bd_writes = 0
            case _:
                pass
        return None

    def _next_to_scan(self, to_scan: list[int], s: State) -> int | None:
        """Return the page that is to be selected next; those before it had their turn."""
        while to_scan:
            page = to_scan.pop(0)
            owned = s.queued[page] or any(q.phase >= FLIGHT and q.slot == page for q in s.reqs)
            if s.slots[page].kind == STORED and not owned and self._wants(s.slots[page]):
                return page
        return None

    def _reap(self, s: State, number: int) -> None:
        q, result = s.reqs[number], self.result
        row = completion(int(q.phase == DONE_OK), int(s.slots[q.slot].kind == PP_SLOT))
        self.bd_writes += row.bd_writes
        if q.phase != DONE_OK:
            result.fail(q.slot, EIO)
        elif row.slot == COMMIT:
            result.written += 1
        else:
            result.lost += 1


def reason_to_give_up(s: State, *, cancelled: bool) -> StoppedBy | None:
    """Say why a pass may give up a page, if it may: not while a write in flight could still give something back."""
    if cancelled:
        return "cancelled"
    if any(q.phase >= FLIGHT for q in s.reqs):
        return None
    if not may_charge(s.budget):
        return "limit"
    return "no_space" if s.held == NONE and all(block.used for block in s.blocks) else None
