"""Reads of written-back pages, each way paired with reads that keep nothing, as the driver does it."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, NamedTuple

from zram_impl.cli.pairing import Paired, paired, timed
from zram_impl.cli.scratch import scratch_file
from zram_impl.cli.stop import Stop
from zram_impl.units import PAGE_SIZE
from zram_impl.zram import Zram

_BUDGET: Final = 16
"""Part of the pages that is left in memory while they are stored: the keeper writes the others back."""
_SET: Final = 256
"""Pages of the working set."""
_READS: Final = 1024
"""Reads of one turn at random."""


class ReadingCosts(NamedTuple):
    """Each way of reading against reads that keep nothing.

    Attributes:
        again: Reads at random within a working set that fits into the cache.
        promoted: The same, if each page that is read from the device is stored anew: promotion by hand.
        ahead: Pages one after the other.
        bulk: The same by `read_pages_into`, which needs no cache.
    """

    again: Paired
    promoted: Paired
    ahead: Paired
    bulk: Paired


class _Spilled:
    """A device whose pages are written back, in the order in which a keeper does it."""

    def __init__(self, pages: Sequence[bytes], directory: str | None) -> None:
        size = len(pages) * PAGE_SIZE
        self.dev = Zram.create(size, backing=scratch_file(directory, len(pages)))
        with self.dev.keep_within(max(size // _BUDGET, PAGE_SIZE)):
            for index, page in enumerate(pages):
                self.dev.write_page(index, page)
        self.dev.writeback(ranges=[(0, len(pages) - 1)])

    def again(self, piece: int) -> None:
        """Read at random within a working set."""
        chance, most = Random(piece), min(_SET, self.dev.pages)
        for _ in range(_READS):
            self.dev.read_page(chance.randrange(most))

    def promote(self, piece: int) -> None:
        """Do the same, and store what was read from the device anew."""
        chance, most, there = Random(piece), min(_SET, self.dev.pages), set[int]()
        for _ in range(_READS):
            index = chance.randrange(most)
            page = self.dev.read_page(index)
            if index not in there:
                there.add(index)
                self.dev.write_page(index, page)
        self.dev.writeback(ranges=[(0, most - 1)])  # what was taken into memory is written once more

    def in_order(self, _piece: int) -> None:
        """Read all pages, one after the other."""
        for index in range(self.dev.pages):
            self.dev.read_page(index)

    def bulk(self, _piece: int) -> None:
        """Read all pages into one buffer."""
        self.dev.read_pages_into(0, bytearray(self.dev.disksize))


def reading_costs(pages: Sequence[bytes], rounds: int, directory: str | None, stop: Stop) -> ReadingCosts:
    """Measure the ways; none of `pages` may be same-filled."""
    off, on = _Spilled(pages, directory), _Spilled(pages, directory)
    on.dev.set_read_cache(len(pages) // 2 * PAGE_SIZE)
    promoted = _Spilled(pages, directory)

    def compare(plain: Callable[[int], None], other: Callable[[int], None]) -> Paired:
        return paired(timed(plain), timed(other), 1, rounds, stop)

    with off.dev, on.dev, promoted.dev:
        return ReadingCosts(
            again=compare(off.again, on.again),
            promoted=compare(off.again, promoted.promote),
            ahead=compare(off.in_order, on.in_order),
            bulk=compare(off.in_order, off.bulk),
        )
