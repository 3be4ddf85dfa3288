"""The use of memory that a policy sees, and the plan that it answers with: two tuples and a protocol of one method."""

from typing import NamedTuple, Protocol


class MemoryUse(NamedTuple):
    """A device's memory, as a policy sees it.

    Attributes:
        budget: Bytes to keep it within.
        used: Bytes it takes: objects, the segments that compaction has filled, and Python's own for each stored page.
        grown: Bytes by which that is more than at the last look; negative when it is less.
        holes: Bytes that freed objects left behind since the last compaction, which would give them back.
        stored: Pages in memory that could be written back.
        backed: Pages that are written back.
        spillable: Blocks that can still be written: free ones of the backing device, as far as the limit allows.
        waiting: Writers that wait for memory.
    """

    budget: int
    used: int
    grown: int
    holes: int
    stored: int
    backed: int
    spillable: int
    waiting: int


class Plan(NamedTuple):
    """Things to be done now, in this order.

    Attributes:
        idle_seconds: Mark the pages idle that were not used for so long, and take the mark off all others.
        free: Bytes of objects to write back, the pages that were not used for longest first, of these the largest.
        idle_only: Write back what is marked idle and nothing else.
        compact: Give holes back to the system.
    """

    idle_seconds: int | None = None
    free: int = 0
    idle_only: bool = False
    compact: bool = False


class MemoryPolicy(Protocol):
    """Decides what a keeper does. One call at a time, from the keeper's task, without a lock held."""

    def plan(self, memory: MemoryUse, /) -> Plan:
        """Return what is to be done now; called some times a second, and whenever a writer waits."""
        ...
