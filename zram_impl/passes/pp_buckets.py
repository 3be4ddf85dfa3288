"""The candidates of a pass, in buckets by object size.

A pp_slot is the index of a slot that the scan has claimed. It is in a bucket until it is dropped or handed to a
request; never both. Each page written costs a whole block whatever its size, so the largest objects go first; within
a bucket the last one placed goes first, as in the driver. Every method needs the table lock.

Kernel: struct zram_pp_ctl, place_pp_slot(), select_pp_slot().
"""

from collections.abc import Iterable
from itertools import chain
from typing import Final

from zram_impl.decisions import bucket
from zram_impl.table.slot_table import PP_SLOT
from zram_impl.units import PAGE_SIZE, PP_BUCKETS, SlotIndex

_BUCKET_OF: Final = tuple(bucket(size) for size in range(PAGE_SIZE + 1))


class PpBuckets:
    """Buckets of pp_slots; with `by_size` false one for all sizes, so that pages go in the reverse of their order."""

    def __init__(self, *, by_size: bool = True) -> None:
        self._bucket_of = _BUCKET_OF if by_size else bytes(len(_BUCKET_OF))
        self._buckets: list[list[SlotIndex]] = [[] for _ in range(PP_BUCKETS)]
        self._top = -1
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def place(self, found: Iterable[tuple[SlotIndex, int]]) -> None:
        """Put pp_slots, each with the size of its object in bytes, into their buckets."""
        buckets, bucket_of, number = self._buckets, self._bucket_of, 0
        for number, (index, size) in enumerate(found, start=1):  # noqa: B007  (how many there were)
            buckets[bucket_of[size]].append(index)
        self._count += number
        # Not lower than any that has candidates; `peek` looks for the one that has.
        self._top = len(buckets) - 1

    def peek(self) -> SlotIndex | None:
        """Return the next candidate, which stays where it is; None without one."""
        while self._top >= 0:
            candidates = self._buckets[self._top]
            if candidates:
                return candidates[-1]
            self._top -= 1
        return None

    def pop(self) -> SlotIndex:
        """Detach the candidate `peek` returned."""
        self._count -= 1
        return self._buckets[self._top].pop()

    def claimed(self, flags: bytearray, most: int) -> list[SlotIndex]:
        """List the next candidates, in order, as long as they still have their claim; at most `most`."""
        following: list[SlotIndex] = []
        for candidates in self._buckets[self._top :: -1] if self._top >= 0 else ():
            if len(following) >= most:
                break
            following += candidates[: len(following) - most - 1 : -1]
        for number, index in enumerate(following):
            if not flags[index] & PP_SLOT:
                return following[:number]
        return following

    def detach(self, number: int) -> None:
        """Detach the next candidates, as many as there are at least: what `pop` does so many times."""
        self._count -= number
        while number:
            candidates = self._buckets[self._top]
            first = max(len(candidates) - number, 0)
            number -= len(candidates) - first
            del candidates[first:]
            self._top -= not first

    def waiting(self) -> list[SlotIndex]:
        """List the pp_slots in buckets."""
        return list(chain.from_iterable(self._buckets)) if self._count else []
