"""Users of shared pages: everybody writes, discards and reads them, and notes what it saw and when."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal

from stateful.common.stamped_pages import stamp_of
from stateful.seam.operations import page_of
from stateful.seam.protocol import SystemUnderTest
from stateful.seam.zram import ZramUnderTest
from stateful.stress.linearizability import unexplained
from stateful.stress.minimise import drawn, smallest
from stateful.stress.operation import FOREIGN, ZERO, PageOperation, of_another_page
from zram_impl import PAGE_SIZE, Zram

_WORD: Final = 8
_READS: Final = 4
"""Sides of the dice that are reads."""
_ZERO_PAGE: Final = bytes(PAGE_SIZE)


Put = Callable[[int, bytes], None]
Free = Callable[[int, int], None]


def _read_into(device: Zram, page: int) -> bytes:
    into = bytearray(PAGE_SIZE)
    device.read_pages_into(page, into)
    return bytes(into)


def value_of(content: bytes, page: int) -> int:
    """Return the value that was read from `page`."""
    if content == _ZERO_PAGE:
        return ZERO
    word = content[:_WORD]
    if word * (PAGE_SIZE // _WORD) == content:
        return int.from_bytes(word, "little")
    stamp = stamp_of(content)
    if stamp is None:
        return FOREIGN
    return stamp[1] if stamp[0] == page else of_another_page(stamp[0])


class PageSharer:
    """Works on `pages` in a thread of its own until `stop()`; `history` has what it saw of each."""

    def __init__(
        self, device: SystemUnderTest, number: int, pages: range, stop: Callable[[], bool], seed: int = 0
    ) -> None:
        self.history: dict[int, list[PageOperation]] = defaultdict(list)
        self.problems: list[str] = []
        self.together = 1
        """Operations between two looks at `stop`."""
        self._device, self._pages, self._stop = device, pages, stop
        self._random = random.Random(f"{seed} {number}")
        # A value is written once: who wrote it is in its upper half.
        self._value = (number + 1) << 32
        self.thread = threading.Thread(target=self._work, name=f"sharer {number}")

    @property
    def operations(self) -> int:
        """Operations it has done."""
        return sum(map(len, self.history.values()))

    def _work(self) -> None:
        try:
            while not self._stop():
                for _ in range(self.together):
                    self._operate(self._random.choice(self._pages), self._random.randrange(8))
        except Exception as error:  # a problem like any other, to be reported
            self.problems.append(f"{threading.current_thread().name}: {type(error).__name__}: {error}")

    def _operate(self, page: int, dice: int) -> None:
        """Do something, half of the time read."""
        if dice < _READS:
            self.read(page)
        elif dice == _READS:
            self.discard(page)
        else:
            self.write(page, same=dice == _READS + 1, huge=dice == _READS + 2)

    def read_all(self) -> None:
        """Read every page, once nobody works any more."""
        for page in self._pages:
            self.read(page)

    def write(self, page: int, *, same: bool = False, huge: bool = False, put: Put | None = None) -> None:
        """Write a value that nobody has written before, with `write` or as `put` does."""
        self._value += 1
        content = page_of(page, "same" if same else "huge" if huge else "comp", self._value)
        start = time.perf_counter_ns()
        (put or self._device.write)(page, content)
        self._note(page, "write", self._value, start)

    def discard(self, page: int, free: Free | None = None) -> None:
        """Discard a page, or free its bytes as `free` does."""
        start = time.perf_counter_ns()
        if free is None:
            self._device.discard(page)
        else:
            free(page * PAGE_SIZE, PAGE_SIZE)
        self._note(page, "write", ZERO, start)

    def read(self, page: int, get: Callable[[], bytes] | None = None) -> None:
        """Read a page, with `read` or as `get` does."""
        start = time.perf_counter_ns()
        content = self._device.read(page) if get is None else get()
        end = time.perf_counter_ns()
        self._note(page, "read", value_of(content, page), start, end)

    def _note(self, page: int, kind: Literal["write", "read"], value: int, start: int, end: int | None = None) -> None:
        over = time.perf_counter_ns() if end is None else end
        self.history[page].append(PageOperation(threading.current_thread().name, kind, value, start, over))


class Sharer(PageSharer):
    """A sharer of a `Zram`."""

    def __init__(self, device: Zram, number: int, pages: range, stop: Callable[[], bool], seed: int = 0) -> None:
        super().__init__(ZramUnderTest(device), number, pages, stop, seed)
        self._zram = device

    def _operate(self, page: int, dice: int) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        """Do something, half of the time read; every way there is to do it has its turn."""
        device, offset = self._zram, page * PAGE_SIZE
        match dice:
            case 0 | 1:
                self.read(page)
            case 2:
                self.read(page, lambda: device.read(offset, PAGE_SIZE))
            case 3:
                self.read(page, lambda: _read_into(device, page))
            case 4:
                self.discard(page, device.write_zeroes if self._random.randrange(2) else device.discard)
            case 5:
                self.write(page, same=True)
            case 6:
                self.write(page, huge=True)
            case _:
                self.write(page, put=device.write_pages if self._random.randrange(2) else device.write_page)


def together(sharers: Iterable[PageSharer]) -> dict[int, list[PageOperation]]:
    """Return the history of each page."""
    histories: dict[int, list[PageOperation]] = defaultdict(list)
    for sharer in sharers:
        for page, history in sharer.history.items():
            histories[page] += history
    return histories


def judge(histories: Mapping[int, list[PageOperation]]) -> list[str]:
    """Return what is wrong: for each page whose history no order explains, the smallest part of it that shows so."""
    wrong = [(page, smallest(history)) for page, history in histories.items() if unexplained(history) is not None]
    wrong.sort(key=lambda found: len(found[1]))
    return [f"no order explains what was read from page {page}:\n{drawn(history)}" for page, history in wrong]
