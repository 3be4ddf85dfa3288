"""The speed of two local workers against one: the same seeds into new directories, in turns."""

import resource
import tempfile
import time
from pathlib import Path
from typing import Final

from rich.console import Console

from stateful.campaign.campaign import Campaign, CampaignOrder
from stateful.campaign.engines import LocalEngine
from stateful.campaign.journal import CampaignDirectory
from stateful.jobs.progress import say
from stateful.seam.chosen import chosen

BUSY: Final = ("scenarios", "joint", "exhausted", "machines")
"""Sources that need the processor alone: the others run for a time that is fixed."""
SEEDS: Final = 8
TURNS: Final = (1, 2, 2, 1)


def speedup(console: Console, seeds: int = SEEDS) -> int:
    """Measure, and print a line for each run and the ratio."""
    took: dict[int, list[float]] = {1: [], 2: []}
    for workers in TURNS:
        with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
            directory = CampaignDirectory(Path(folder) / "campaign", chosen().name, "")
            try:
                campaign = Campaign(directory, CampaignOrder(BUSY, 0, seeds, 1e9))
                began, used = time.perf_counter(), _processor_seconds()
                campaign.run(LocalEngine(workers), lambda _line, _running: None)
                took[workers].append(time.perf_counter() - began)
            finally:
                directory.close()
            used = _processor_seconds() - used
            say(
                console, f"{workers} workers: {took[workers][-1]:.1f} s, {used:.1f} of a processor, for {campaign.line}"
            )
    # The faster run of each: what disturbs one makes it slower, never faster.
    say(console, f"two workers are {min(took[1]) / min(took[2]):.2f} times one")
    return 0


def _processor_seconds() -> float:
    """Return the processor seconds of all processes that have ended: those of workers."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
