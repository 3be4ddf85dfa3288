"""An engine that does one chunk after the other in this process, and may be made to fail."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from stateful.campaign.campaign import Campaign, CampaignOrder
from stateful.campaign.chunk import Chunk, run_chunk
from stateful.campaign.engines import Dealings
from stateful.campaign.journal import CampaignDirectory
from stateful.fuzzing.sources import FuzzFinding, Harvest
from stateful.jobs.runner import Report
from stateful.schedules.run import execute
from stateful.schedules.scenarios import SCENARIOS
from stateful.seam.chosen import chosen

TOKEN = "1cqb4h084"


def quick(seed: int, _report: Report) -> Harvest:
    """Stand for a source: play a scenario; seeds 1 and 3 find one thing, and seed 3 another."""
    execute(list(SCENARIOS.values())[seed % len(SCENARIOS)])
    found = (FuzzFinding("every_block_has_one_owner", "text", TOKEN),) if seed in (1, 3) else ()
    more = (FuzzFinding("trace", f"of seed {seed}"),) if seed == 3 else ()
    return Harvest(seed + 1, seed, found + more, cut=seed % 2)


def alive(_chunk: Chunk, _lines: list[str]) -> str:
    """Have no worker die."""
    return ""


def adding_to(lines: list[str]) -> Callable[[object], None]:
    return lambda line: lines.append(str(line))


class InlineEngine:
    """Chunks in turn. `dies` gets a chunk and its lines, of which it may take some away, and says the last words."""

    dashboard = "nowhere"

    def __init__(self, dies: Callable[[Chunk, list[str]], str] = alive, times: int = 1) -> None:
        self._dies, self._times = dies, times
        self.chunks: list[Chunk] = []

    def run(self, dealings: Dealings) -> None:
        while (chunk := dealings.next()) is not None:
            self.chunks.append(chunk)
            dealings.tick({chunk: 0.0})
            lines = list[str]()
            refusal = run_chunk(chunk, adding_to(lines))
            if refusal:
                dealings.refused(refusal)
            words = self._dies(chunk, lines)
            for line in lines * self._times:
                dealings.heard(line)
            dealings.ended(chunk, words)


class Account(NamedTuple):
    """The result of a campaign, without times."""

    seeds: int
    schedules: int
    cut: int
    findings: dict[tuple[str, str, str], int]
    files: list[str]
    resumed: int


def campaign(place: Path, engine: InlineEngine, seeds: int = 5, bug: str = "", chunk: int = 2) -> Account:
    """Run a campaign of one source to its end."""
    directory = CampaignDirectory(place, chosen().name, bug)
    try:
        running = Campaign(directory, CampaignOrder(["exhausted"], 0, seeds, 1e9, chunk, bug=bug))
        running.run(engine, lambda _line, _chunks: None)
        return account(running, place)
    finally:
        directory.close()


def account(running: Campaign, place: Path) -> Account:
    now = running.totals
    files = sorted(path.name for path in (place / "findings").glob("*"))
    return Account(now.seeds, now.schedules, now.cut, now.findings, files, running.resumed)
