"""Choice of the next chunk: decisions alone, no clock and no file.

The source that has had the least of its share of the time is next, with its first seeds that are neither done nor under
way. A seed under which a worker died is tried alone; the third time it is a finding, and not tried again.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import count, islice
from typing import Final, NamedTuple

DEATHS_MOST: Final = 3
"""Workers that a seed may kill."""


class SeedRange(NamedTuple):
    """Some seeds of a source."""

    source: str
    first: int
    number: int
    """Of seeds."""

    @property
    def seeds(self) -> range:
        """Return the seeds."""
        return range(self.first, self.first + self.number)


class Seeds(NamedTuple):
    """The seeds of a source, and its share of the time."""

    share: int
    first: int
    end: int | None
    """None: there is no end of them."""


class CampaignPlan:
    """The seeds that are done, those under way, and the next.

    Attributes:
        done: Seeds that are done, by source.
        deaths: Workers that died at a seed of a source.
    """

    def __init__(self, sources: Mapping[str, Seeds], chunk: int) -> None:
        self._sources, self._chunk = sources, chunk
        self._floor = {source: seeds.first for source, seeds in sources.items()}
        self._leased = defaultdict[str, set[int]](set)
        self._seconds = defaultdict[str, float](float)
        self.done = defaultdict[str, set[int]](set)
        self.deaths = Counter[tuple[str, int]]()

    def next(self) -> SeedRange | None:
        """Lease the next seeds; None: nothing is left that is not under way."""
        for source in sorted(self._sources, key=self._had):
            part = self._part(source)
            if part is not None:
                self._leased[source].update(part.seeds)
                return part
        return None

    def _had(self, source: str) -> float:
        # What is under way counts as a second each, so that all sources begin at once.
        return (self._seconds[source] + len(self._leased[source])) / self._sources[source].share

    def _part(self, source: str) -> SeedRange | None:
        done, leased, end = self.done[source], self._leased[source], self._sources[source].end
        while self._floor[source] in done:
            self._floor[source] += 1
        seeds = count(self._floor[source]) if end is None else range(self._floor[source], end)
        free = (seed for seed in seeds if seed not in done and seed not in leased)
        first = next(free, None)
        if first is None:
            return None
        number = 1
        if not self.deaths[source, first]:
            for seed in islice(free, self._chunk - 1):
                if seed != first + number or self.deaths[source, seed]:
                    break
                number += 1
        return SeedRange(source, first, number)

    def enter(self, source: str, seed: int, seconds: float) -> bool:
        """Note that a seed is done; return whether it was not yet."""
        if seed in self.done[source]:
            return False
        self.done[source].add(seed)
        self._seconds[source] += seconds
        return True

    def release(self, part: SeedRange) -> None:
        """End the lease of some seeds: those that are not done are free again."""
        self._leased[part.source].difference_update(part.seeds)

    def died(self, part: SeedRange) -> int | None:
        """Note that the worker of some seeds died; return the seed that was under way, if there was one."""
        seed = next((seed for seed in part.seeds if seed not in self.done[part.source]), None)
        if seed is not None:
            self.deaths[part.source, seed] += 1
        return seed
