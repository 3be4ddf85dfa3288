"""The policy that is used when none is named."""

from dataclasses import dataclass
from errno import EINVAL
from typing import Final

from zram_impl.errors import refuse
from zram_impl.policy.protocol import MemoryUse, Plan

_QUIET: Final = 64
"""Memory that grew by less than a part in so many since the last look is at rest."""


@dataclass(frozen=True, kw_only=True)
class ColdestFirst:
    """Write back from a part of the budget on, down to another, what was not used for longest.

    Attributes:
        high: Part of the budget from which on pages are written back.
        low: Part of it down to which they are.
        holes: Part of it that holes must have to be worth a compaction, while nothing else is written.
        idle_seconds: Age from which on a page counts as idle, and is marked so when pages are to be written back.
    """

    high: float = 0.9
    low: float = 0.8
    holes: float = 0.125
    idle_seconds: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 1:
            raise refuse(EINVAL, f"low and high must be 0 <= low <= high <= 1, got {self.low} and {self.high}")

    def plan(self, memory: MemoryUse, /) -> Plan:
        """Return what is to be done now."""
        if memory.used > self.high * memory.budget or memory.waiting:
            free = max(memory.used - int(self.low * memory.budget), 1)
            return Plan(idle_seconds=self.idle_seconds, free=free)
        quiet = abs(memory.grown) * _QUIET <= memory.budget
        return Plan(compact=quiet and memory.holes > self.holes * memory.budget)
