"""The longest that a user waits because of a compaction: a thread that reads and writes pages beside it."""

import random
import threading
from collections.abc import Callable
from time import perf_counter
from typing import Final, NamedTuple

from zram_impl.cli.corpus import mixed_pages
from zram_impl.cli.stop import Stop
from zram_impl.units import PAGE_SIZE
from zram_impl.zram import Zram

_PIECE: Final = 256


class Pauses(NamedTuple):
    """The effect of a compaction on a user.

    Attributes:
        pages: Pages the device has; half of them were freed before.
        worst: Seconds of the longest call during the compaction.
        usual: Seconds of the longest of as many calls beside a thread that only computes: what the interpreter itself
            makes two threads wait for each other.
        seconds: How long it took.
        calls: Calls the user made during it.
    """

    pages: int
    worst: float
    usual: float
    seconds: float
    calls: int


def compact_pauses(pages: int, stop: Stop) -> Pauses:
    """Fill a device, free a random half of it, and compact it beside a user."""
    source = mixed_pages(min(pages, 4096))
    with Zram.create(pages * PAGE_SIZE) as device:
        buffers = [b"".join(source[at : at + _PIECE]) for at in range(0, len(source), _PIECE)]
        for number, start in enumerate(range(0, pages, _PIECE)):
            stop.check()
            device.write_pages(start, buffers[number % len(buffers)])
        # Page 0 stays the user's.
        for index in random.Random(pages).sample(range(1, pages), pages // 2):
            device.slot_free_notify(index)
        user = _PageUser(device, source[0])
        began = perf_counter()
        worst, calls = user.beside(device.compact)
        seconds = perf_counter() - began
        stop.check()
        usual, _ = user.beside(lambda: _compute(seconds))
    return Pauses(pages, worst, usual, seconds, calls)


class _PageUser:
    """Writes and reads one page again and again, in a thread of its own."""

    def __init__(self, device: Zram, page: bytes) -> None:
        self._device, self._page = device, page
        self._over = False
        self._worst, self._calls = 0.0, 0

    def beside(self, work: Callable[[], object]) -> tuple[float, int]:
        """Return the longest call while `work` is done, and how many there were."""
        self._over, self._worst, self._calls = False, 0.0, 0
        thread = threading.Thread(target=self._use)
        thread.start()
        try:
            work()
        finally:
            self._over = True
            thread.join()
        return self._worst, self._calls

    def _use(self) -> None:
        device, page = self._device, self._page
        while not self._over:
            began = perf_counter()
            device.write_page(0, page)
            device.read_page(0)
            self._worst = max(self._worst, perf_counter() - began)
            self._calls += 1


def _compute(seconds: float) -> None:
    """Only compute."""
    until = perf_counter() + seconds
    while perf_counter() < until:
        pass
