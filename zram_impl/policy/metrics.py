"""The account of a keeper."""

from typing import NamedTuple

from zram_impl.pages.room import RoomUse
from zram_impl.policy.protocol import MemoryUse


class KeeperMetrics(NamedTuple):
    """The work of a keeper so far.

    Attributes:
        memory: The device's memory at the last look.
        rounds: Passes it has driven.
        written: Pages that these wrote back; `freed`, about how many bytes of objects they had.
        lost: Pages that were used while they were written, so that they stayed.
        failed: Pages that could not be written.
        compactions: Compactions that closed holes; `compacted`, of how many bytes.
        obstacle: Why the last round freed nothing, or the keeper has ended; None when it did, or nothing was due.
        writers: Those that waited for memory.
    """

    memory: MemoryUse
    rounds: int = 0
    written: int = 0
    freed: int = 0
    lost: int = 0
    failed: int = 0
    compactions: int = 0
    compacted: int = 0
    obstacle: str | None = None
    writers: RoomUse = RoomUse()
