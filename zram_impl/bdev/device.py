"""The protocol of a backing device. A fault is another small class with the same protocol around a device."""

from collections.abc import Sequence
from typing import Protocol


class BackingDevice(Protocol):
    """A row of blocks of PAGE_SIZE bytes. Methods may be called by several threads at once.

    Attributes:
        name: What `backing_dev` shows (a path for files).
        blocks: Number of whole blocks; a partial last page is not counted.
    """

    @property
    def name(self) -> str:
        """Its name, as `backing_dev` shows it."""
        ...

    @property
    def blocks(self) -> int:
        """Number of whole blocks."""
        ...

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write `pages` (PAGE_SIZE bytes each, page-aligned) to consecutive blocks from `blk_idx`.

        Returns:
            The number of bytes written, which may be short; only whole pages of it count as written.

        Raises:
            OSError: Nothing can be said about any of the blocks.
        """
        ...

    def read(self, blk_idx: int, into: memoryview) -> None:
        """Fill `into` (whole pages) from consecutive blocks; OSError (EIO when short) otherwise."""
        ...

    def sync(self) -> None:
        """Make completed writes durable (fdatasync); OSError when the device cannot say so."""
        ...

    def close(self) -> None:
        """Release the device and its lock; no call may be under way, and none may follow. Idempotent."""
        ...
