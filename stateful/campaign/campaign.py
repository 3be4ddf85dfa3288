"""A campaign: chunks to an engine, accounts to the directory, one line that says how far it is."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from stateful.campaign.chunk import CORPUS, EXAMPLES, Chunk, SeedRow, row_of
from stateful.campaign.engines import ChunkEngine, Dealings
from stateful.campaign.journal import CampaignDirectory, CampaignError, CampaignTotals
from stateful.campaign.plan import DEATHS_MOST, CampaignPlan, SeedRange, Seeds
from stateful.campaign.revision import revision
from stateful.fuzzing.sources import SOURCES, FuzzFinding
from stateful.seam.chosen import chosen

KILLED: Final = "kills_its_worker"
"""The property that a seed breaks whose workers die."""


class CampaignOrder(NamedTuple):
    """The order to a campaign."""

    sources: Sequence[str]
    first: int
    """The first seed of each source."""
    seeds: int | None
    """Of each source; None: as many as there is time for."""
    seconds: float
    """Until no further seed is begun."""
    chunk: int = 4
    """Seeds that a worker gets at once."""
    chunk_seconds: float = 30.0
    bug: str = ""
    examples: bool = False
    """True: machines keep what fails in the directory, and try it first in the next run."""


class Campaign:
    """A campaign in a directory. It resumes where the last one at this revision ended."""

    def __init__(self, directory: CampaignDirectory, wanted: CampaignOrder) -> None:
        self._directory, self._wanted = directory, wanted
        self._device = chosen().name
        self.revision: Final = revision(self._device)
        self.totals: Final = CampaignTotals()
        self.resumed = 0
        """Seeds that were done before."""
        self.deaths = 0
        self._deadline = time.monotonic() + wanted.seconds
        end = None if wanted.seeds is None else wanted.first + wanted.seeds
        rows = list(directory.rows(self.revision))
        # Tokens that are new at this revision have been played at it.
        sources = {CORPUS: Seeds(1_000, 0, len(directory.corpus))}
        if wanted.examples:  # once a run, each time from another seed
            runs = sum(isinstance(each, SeedRow) and each.source == EXAMPLES for each in rows)
            sources[EXAMPLES] = Seeds(1_000, runs, runs + 1)
        sources |= {name: Seeds(SOURCES[name].share, wanted.first, end) for name in wanted.sources}
        self._plan = CampaignPlan(sources, wanted.chunk)
        for place, kept in enumerate(directory.corpus):
            if kept.revision == self.revision:
                self._plan.enter(CORPUS, place, 0.0)
        self._resume(rows)

    def _resume(self, rows: Sequence[SeedRow | tuple[str, int]]) -> None:
        for each in rows:
            if isinstance(each, SeedRow):
                if self._plan.enter(each.source, each.seed, each.seconds):
                    self.totals.add(each)
                    self.resumed += 1
            else:
                self._plan.deaths[each] += 1
        self._directory.put_aside(self.totals)

    def run(self, engine: ChunkEngine, show: Callable[[str, Mapping[Chunk, float]], None]) -> None:
        """Run it to its end.

        Args:
            engine: What runs the chunks.
            show: Called several times a second with how far it is and the chunks under way.
        """
        engine.run(Dealings(self._next, self._heard, self._ended, _refused, lambda running: show(self.line, running)))

    @property
    def line(self) -> str:
        """Say how far it is."""
        now, died = self.totals, f", {self.deaths} workers died" if self.deaths else ""
        return (
            f"{now.seeds:,} seeds, {now.schedules:,} schedules, {now.steps:,} steps, {len(self._directory.covered):,} "
            f"covered, {len(self._directory.corpus):,} tokens in the corpus, {len(now.findings)} findings{died}"
        )

    def _next(self) -> Chunk | None:
        left = self._deadline - time.monotonic()
        part = self._plan.next() if left > 0 else None
        if part is None:
            return None
        places = part.seeds if part.source == CORPUS else ()
        tokens = tuple(self._directory.corpus[place].token for place in places)
        seconds = min(self._wanted.chunk_seconds, left)
        examples = str(self._directory.examples) if part.source == EXAMPLES else ""
        return Chunk(self.revision, *part, seconds, self._device, self._wanted.bug, tokens, examples)

    def _heard(self, line: str) -> None:
        row = row_of(line)
        if row is not None and row.revision == self.revision:
            self._enter(row)

    def _enter(self, row: SeedRow) -> None:
        if self._plan.enter(row.source, row.seed, row.seconds):  # once, however often it is heard of
            row = self._directory.enter(row)
            self.totals.add(row)
            self._directory.write_findings(row, self.totals)

    def _ended(self, chunk: Chunk, words: str) -> None:
        part = SeedRange(chunk.source, chunk.first, chunk.number)
        self._plan.release(part)
        seed = self._plan.died(part) if words else None
        if seed is None:
            return
        self.deaths += 1
        self._directory.enter_death(self.revision, chunk.source, seed, words)
        if self._plan.deaths[chunk.source, seed] >= DEATHS_MOST:
            text = f"{DEATHS_MOST} workers died at seed {seed} of {chunk.source}; the last:\n{words}"
            token = self._directory.corpus[seed].token if chunk.source == CORPUS else ""
            found = FuzzFinding(KILLED, text, token)
            self._enter(SeedRow(self.revision, chunk.source, seed, found=(found,)))


def _refused(why: str) -> None:
    raise CampaignError(why)
