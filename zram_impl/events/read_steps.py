"""The steps of a read of a written-back page, reported to observers that take them.

Such a read is several steps to the specification: it begins under the table lock, the device answers, and under the
table lock again it ends, or finds that its slot was replaced and begins again. To distinguish them, each read under way
has a number, the lowest that is free.
"""

import heapq

from zram_impl.events.observer import ReadingObserver


class ReadSteps:
    """Numbers reads under way and tells their steps. All but `answered` needs the table lock."""

    def __init__(self, observer: ReadingObserver) -> None:
        self._tell = observer.on_read_step
        self._free: list[int] = []
        self._numbers = 0

    def begin(self, index: int) -> int:
        """Begin a read of a written-back page and return its number."""
        if not self._free:
            heapq.heappush(self._free, self._numbers)
            self._numbers += 1
        number = heapq.heappop(self._free)
        self._tell("read_begin", index, number)
        return number

    def answered(self, number: int) -> None:
        """Note that the device has answered; no lock is held."""
        self._tell("read_answer", number)

    def look_again(self, number: int, index: int, *, unchanged: bool, backed: bool) -> None:
        """End a read if its slot is unchanged; else begin it again if the page is still, or again, written back."""
        self._tell("read_end" if unchanged else "read_retry", number)
        if backed and not unchanged:
            self._tell("read_begin", index, number)
        else:
            heapq.heappush(self._free, number)
