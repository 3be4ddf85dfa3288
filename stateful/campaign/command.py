"""`python -m stateful campaign DIR`: the sources of `fuzz` on any number of workers, in a directory that resumes.

Exit code 0: nothing was found. 1: something was, now or before. 2: the directory, the scheduler or the device is wrong.
"""

import argparse
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from spec.processes.interrupts import Interrupted
from spec.processes.options import add_seed, count, duration
from stateful.bugs import seeded
from stateful.campaign.campaign import Campaign, CampaignOrder
from stateful.campaign.chunk import Chunk
from stateful.campaign.engines import ChunkEngine, LocalEngine
from stateful.campaign.journal import CampaignDirectory, CampaignError
from stateful.campaign.results import add_verdicts, write_pages
from stateful.campaign.speedup import speedup
from stateful.fuzzing.command import asked_sources, folder
from stateful.fuzzing.sources import SCHEDULES_A_PROGRAM, SOURCES, left_out
from stateful.jobs.progress import ProgressDisplay, ProgressLine, complain, say
from stateful.jobs.report import chosen as chosen_names
from stateful.seam.chosen import chosen, is_ours
from stateful.seam.option import add_device

if TYPE_CHECKING:
    from stateful.campaign.dask_engine import DaskEngine

WORKERS: Final = 2
CHUNK: Final = 4
MINUTES: Final = 10.0
FOREVER: Final = 1e9


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's."""
    parser = commands.add_parser("campaign", help="fuzz on many workers, in a directory from which it resumes")
    parser.add_argument("directory", metavar="DIR", type=folder, help="made if it is not there; resumed if it is")
    long = parser.add_mutually_exclusive_group()
    long.add_argument("--minutes", type=duration, metavar="N", help=f"how long ({MINUTES:g}; no limit with --seeds)")
    long.add_argument("--seconds", type=duration, metavar="N", help="how long, in seconds")
    parser.add_argument("--seeds", type=count, metavar="N", help="N seeds of each source, then end")
    add_seed(parser, "the first seed")
    parser.add_argument(
        "--source", action="append", choices=list(SOURCES), metavar="NAME",
        help=f"only this one, or these (all that fit): {', '.join(SOURCES)}",
    )  # fmt: skip
    parser.add_argument(
        "--workers", "--processes", type=count, default=WORKERS, metavar="N", help=f"chunks at a time ({WORKERS})"
    )
    parser.add_argument("--chunk", type=count, default=CHUNK, metavar="N", help=f"seeds of a chunk ({CHUNK})")
    parser.add_argument("--bug", "--variant", metavar="NAME", help="a drill: seed this bug, which has to be found")
    parser.add_argument(
        "--engine",
        choices=("local", "dask"),
        default="local",
        help="processes of this machine (local), or Dask's workers",
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="Dask's, as tcp://host:8786 (one of this machine)")
    parser.add_argument("--benchmark", action="store_true", help="say instead how much faster two local workers are")
    add_device(parser, "campaign")
    parser.set_defaults(do=campaign)


def campaign(asked: argparse.Namespace, console: Console) -> int:
    """Run a campaign as asked for; return the exit code."""
    sources, bug = asked_sources(asked), asked.bug or ""
    if bug:
        chosen_names(asked.parser, [bug], [each.name for each in seeded.EVERY], "bug")
        if not is_ours():
            asked.parser.error("--bug must be one of our device's: one of another device is a factory of its own")
    if asked.scheduler is not None and asked.engine != "dask":
        asked.parser.error("--scheduler must be given with --engine dask")
    minutes = asked.minutes or (MINUTES if asked.seeds is None else FOREVER)
    seconds = minutes * 60 if asked.seconds is None else asked.seconds
    examples = "machines" in sources and not bug and asked.seeds is None and asked.engine == "local"
    wanted = CampaignOrder(sources, asked.seed, asked.seeds, seconds, asked.chunk, bug=bug, examples=examples)
    try:
        if asked.benchmark:
            return speedup(console)
        with ExitStack() as opened:
            directory = CampaignDirectory(asked.directory, chosen().name, bug)
            opened.callback(directory.close)
            running = Campaign(directory, wanted)
            opened.callback(add_verdicts, asked.verdicts, running.totals, directory)
            code = _run(running, _engine(asked, opened), asked, console)
            write_pages(running.totals, directory, bug)
            return code
    except CampaignError as error:
        complain(str(error))
        return 2


def _engine(asked: argparse.Namespace, opened: ExitStack) -> ChunkEngine:
    if asked.engine == "local":
        return LocalEngine(asked.workers)
    engine = _dask(asked.scheduler, asked.workers)
    opened.callback(engine.close)
    return engine


def _dask(address: str | None, workers: int) -> "DaskEngine":
    try:
        from stateful.campaign.dask_engine import DaskEngine  # noqa: PLC0415  (an extra, and slow to import)
    except ModuleNotFoundError as error:
        missing = f"there is no module {error.name}: install the extra campaign, or use --engine local"
        raise CampaignError(missing) from error
    return DaskEngine(address, workers)


def _run(running: Campaign, engine: ChunkEngine, asked: argparse.Namespace, console: Console) -> int:
    place: Path = asked.directory
    say(console, f"revision {running.revision}, {engine.dashboard}")
    if running.resumed:
        say(console, f"resumes after {running.line}")
    for without in left_out():
        say(console, f"left out: {without}")
    began = time.monotonic()
    try:
        with ProgressDisplay(asked.loud) as display:

            def show(line: str, chunks: Mapping[Chunk, float]) -> None:
                lines = [ProgressLine("campaign", time.monotonic() - began, line)]
                for chunk, seconds in chunks.items():
                    seeds = f"seeds {chunk.first} to {chunk.first + chunk.number - 1}"
                    lines.append(ProgressLine(f"  {chunk.source}", seconds, seeds))
                display.show(lines if sys.stderr.isatty() else lines[:1])

            running.run(engine, show)
    except Interrupted:
        _say_totals(running, place, console)
        sys.stdout.flush()
        raise
    _say_totals(running, place, console)
    found = running.totals.findings
    say(
        console,
        f"FAILED: {len(found)} findings" if found else "passed, not exhaustive" if running.totals.cut else "passed",
    )
    return 1 if found else 0


def _say_totals(done: Campaign, place: Path, console: Console) -> None:
    now = done.totals
    say(console, done.line)
    if now.cut:
        limit = f"each has more than {SCHEDULES_A_PROGRAM} schedules"
        say(console, f"{now.cut:,} programs were not exhausted: {limit}")
    for (source, name, token), seed in sorted(now.findings.items()):
        say(console, f"{source}: {name}: {token or f'seed {seed}'}")
    if now.findings:
        say(console, f"how to see them again is in {place / 'findings'}")
