"""Which blocks of the backing device are in use.

Every method needs the table lock. A block has one owner at a time: the pass that reserved it, a request, a slot.

Kernel: zram_reserve_bdev_block(), zram_release_bdev_block().
"""

from typing import Final, Protocol

from zram_impl.units import BlkIdx

_FREE: Final = 0
_USED: Final = 1
_ASIDE: Final = 2


class BlockMap(Protocol):
    """Reserves and releases blocks; where they are placed is up to the implementation."""

    @property
    def used(self) -> int:
        """Blocks in use: the driver's bd_count."""
        ...

    def reserve(self) -> BlkIdx | None:
        """Take a free block; None when there is none."""
        ...

    def reserve_up_to(self, most: int) -> list[BlkIdx]:
        """Take as many free blocks as there are, at most `most`; the same ones as single calls of `reserve`."""
        ...

    def release(self, blk_idx: BlkIdx) -> None:
        """Give back a block in use."""
        ...

    def set_aside(self, blk_idx: BlkIdx) -> None:
        """Give back a block in use that is not to be reserved before `take_back`: a write to it failed."""
        ...

    def take_back(self) -> bool:
        """Let what was set aside be reserved again; return whether there was any."""
        ...

    def in_use(self) -> bytes:
        """Return one byte a block, 1 in use, 0 free."""
        ...


class NextFit:
    """A byte a block, searched onwards from the last one reserved, so that a batch gets consecutive blocks.

    With `lowest`, as the driver places them: always the lowest free block.
    """

    def __init__(self, blocks: int, *, lowest: bool = False) -> None:
        self._map = bytearray(blocks)
        self._hint = 0
        self._lowest = lowest
        self._aside = 0
        self.used = 0

    def reserve(self) -> BlkIdx | None:
        """Take the next free block, wrapping around; a full map answers at once."""
        if self.used + self._aside == len(self._map):
            return None
        found = self._map.find(_FREE, 0 if self._lowest else self._hint)
        if found < 0:
            found = self._map.find(_FREE)
        self._map[found] = _USED
        self._hint = found + 1
        self.used += 1
        return BlkIdx(found)

    def reserve_up_to(self, most: int) -> list[BlkIdx]:
        """Take up to `most` blocks; at once where that many lie side by side."""
        first = self._hint
        if not self._lowest and self._map[first : first + most] == bytes(most):
            self._map[first : first + most] = b"\1" * most
            self._hint = first + most
            self.used += most
            return [BlkIdx(blk) for blk in range(first, first + most)]
        reserved: list[BlkIdx] = []
        while len(reserved) < most and (blk := self.reserve()) is not None:
            reserved.append(blk)
        return reserved

    def release(self, blk_idx: BlkIdx) -> None:
        """Give back a block."""
        assert self._map[blk_idx] == _USED, f"every block has one owner: block {blk_idx} is released twice"
        self._map[blk_idx] = _FREE
        self.used -= 1

    def set_aside(self, blk_idx: BlkIdx) -> None:
        """Give back a block, not to be reserved for a while."""
        self.release(blk_idx)
        self._map[blk_idx] = _ASIDE
        self._aside += 1

    def take_back(self) -> bool:
        """Let what was set aside be reserved again."""
        if not self._aside:
            return False
        self._map = self._map.replace(bytes([_ASIDE]), bytes([_FREE]))
        self._aside = 0
        return True

    def in_use(self) -> bytes:
        """Copy the map."""
        return bytes(self._map.replace(bytes([_ASIDE]), bytes([_FREE])))
