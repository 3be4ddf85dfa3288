"""The blocks of the backing device that are in use.

Every method needs the table lock. A block has one owner at a time: the pass that reserved it, a request, a slot.

Kernel: zram_reserve_bdev_block(), zram_release_bdev_block().
"""

from typing import Final, cast

from zram_impl.units import BlkIdx

FREE: Final = 0
USED: Final = 1
_ASIDE: Final = 2
_IN_USE: Final = bytes(state == USED for state in range(256))


class NextFit:
    """A byte a block, searched onwards from the last one reserved, so that a batch gets consecutive blocks.

    With `lowest`, as the driver places them: always the lowest free block.

    Attributes:
        map: FREE, USED or set aside, by block.
        used: Blocks in use: the driver's bd_count.
    """

    def __init__(self, blocks: int, *, lowest: bool = False) -> None:
        self.map: bytearray = bytearray(blocks)
        self._hint = 0
        self._lowest = lowest
        self._aside = 0
        self.used: int = 0

    def reserve(self) -> BlkIdx | None:
        """Take the next free block, wrapping around; None when all are used, which a full map answers at once."""
        if self.used + self._aside == len(self.map):
            return None
        found = self.map.find(FREE, 0 if self._lowest else self._hint)
        if found < 0:
            found = self.map.find(FREE)
        self.map[found] = USED
        self._hint = found + 1
        self.used += 1
        return BlkIdx(found)

    def reserve_up_to(self, most: int) -> list[BlkIdx]:
        """Take up to `most` blocks, the same ones as single calls; at once where that many lie side by side."""
        first = self._hint
        if not self._lowest and self.map[first : first + most] == bytes(most):
            self.map[first : first + most] = b"\1" * most
            self._hint = first + most
            self.used += most
            # Cast: a call for each, which does nothing, would cost more than all the rest.
            return cast("list[BlkIdx]", list(range(first, first + most)))
        reserved: list[int] = []
        # Loop of `reserve`, without a call for each.
        find, left = self.map.find, min(most, len(self.map) - self.used - self._aside)
        hint = 0 if self._lowest else self._hint
        while len(reserved) < left:
            found = find(FREE, hint)
            if found < 0:
                found = find(FREE)
            self.map[found] = USED
            hint = found + 1
            reserved.append(found)
        self._hint = hint
        self.used += len(reserved)
        return cast("list[BlkIdx]", reserved)

    def release(self, blk_idx: BlkIdx) -> None:
        """Give back a block in use. `SlotTable.replace` does the same without a call."""
        assert self.map[blk_idx] == USED, f"every block has one owner: block {blk_idx} is released twice"
        self.map[blk_idx] = FREE
        self.used -= 1

    def set_aside(self, blk_idx: BlkIdx) -> None:
        """Give back a block in use that is not to be reserved before `take_back`: a write to it failed."""
        self.release(blk_idx)
        self.map[blk_idx] = _ASIDE
        self._aside += 1

    def take_back(self) -> bool:
        """Let what was set aside be reserved again; return whether there was any."""
        if not self._aside:
            return False
        self.map = self.map.replace(bytes([_ASIDE]), bytes([FREE]))
        self._aside = 0
        return True

    def in_use(self) -> bytes:
        """Return one byte a block, 1 in use, 0 free."""
        return bytes(self.map).translate(_IN_USE)
