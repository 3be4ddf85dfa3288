"""The algorithms of an initialised device, by priority, and what they make of its objects.

Kernel: zram->comps, zram_read_from_zspool(), zram_decompress_bdev_page()
"""

from collections.abc import Sequence

from zram_impl.compression.algorithms import Algorithm
from zram_impl.table.entries import priority_of
from zram_impl.units import PAGE_SIZE


class Comps:
    """Algorithms by priority: the first compresses what is written, the others recompress."""

    def __init__(self, algorithms: Sequence[Algorithm | None]) -> None:
        """Take one algorithm, or None, for each priority; there is always a primary one."""
        primary = algorithms[0]
        assert primary is not None, "pages are written with some algorithm"
        self.primary: Algorithm = primary
        self._first = primary.decompress
        self._algorithms = tuple(algorithms)

    def __getitem__(self, priority: int) -> Algorithm:
        """Return the algorithm of a priority that is configured."""
        algorithm = self._algorithms[priority]
        assert algorithm is not None, f"no object has priority {priority}, for which there is no algorithm"
        return algorithm

    @property
    def configured(self) -> list[str | None]:
        """Name of the algorithm of each priority."""
        return [algorithm and algorithm.name for algorithm in self._algorithms]

    def decode(self, stored: bytes) -> bytes:
        """Return the page of a stored entry; ZramError EIO when the object is damaged. Call it without a lock."""
        if len(stored) == PAGE_SIZE:
            return stored
        if type(stored) is bytes:  # nearly all of them, and a pass has each decoded
            return self._first(stored)
        return self[priority_of(stored)].decompress(stored)

    def unpack(self, block: bytes, size: int, priority: int) -> bytes:
        """Return the page of a block that carries an object of `size` bytes and padding; EIO when it is damaged."""
        if size == PAGE_SIZE:
            return block
        return self[priority].decompress(block[:size])
