"""Written-back pages whose blocks are close together, so that one transfer brings them all."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from zram_impl.table.entries import BLOCK_SHIFT, Backed, Entry
from zram_impl.units import BlkIdx

SEVERAL: Final = 2
"""Pages that are worth being read together."""
PLACE_BITS: Final = 11
"""A window has at most so many pages, as a power of two."""
_FAR_AWAY: Final = 1 << 80

PLACE: Final = (1 << PLACE_BITS) - 1


class Group(NamedTuple):
    """Written-back pages whose blocks are close together.

    Attributes:
        base: The page at which their window begins.
        window: Entries of pages from there on.
        members: Block and place in the window of each, ascending, in one plain number.
    """

    base: int
    window: Sequence[Entry]
    members: Sequence[int]

    @property
    def blk_idx(self) -> BlkIdx:
        """The first block."""
        return BlkIdx(self.members[0] >> PLACE_BITS)

    @property
    def blocks(self) -> int:
        """Blocks from the first to the last."""
        return (self.members[-1] >> PLACE_BITS) - self.blk_idx + 1

    @property
    def indexes(self) -> list[int]:
        """The pages."""
        base = self.base
        return [base + (member & PLACE) for member in self.members]


def grouped(index: int, window: Sequence[Entry], gap: int, most: int, least: int = SEVERAL) -> Iterator[Group]:
    """Yield the written-back pages of a window, in groups of `least` or more that lie close together.

    At most `gap` blocks of others lie between two of them, and they span at most `most`.
    """
    members = [
        (entry >> BLOCK_SHIFT) << PLACE_BITS | place for place, entry in enumerate(window) if type(entry) is Backed
    ]
    members.sort()
    first = 0
    for cut, (member, following) in enumerate(pairwise([*members, _FAR_AWAY]), start=1):
        blk = following >> PLACE_BITS
        if blk - (member >> PLACE_BITS) > gap + 1 or blk - (members[first] >> PLACE_BITS) >= most:
            if cut - first >= least:
                yield Group(index, window, members[first:cut])
            first = cut
