"""`python -m stateful fuzz --minutes N [--seed S]`: everything random there is, in two processes."""

import argparse
import os
import secrets
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console

from stateful.fuzzing.worker import Share, work
from stateful.jobs.arguments import duration
from stateful.jobs.progress import say
from stateful.jobs.report import run
from stateful.jobs.runner import Job
from zram_impl.cli.output import usable_folder

PROCESSES: Final = 2
SEEDS: Final = 1_000_000
"""Seeds that are chosen from when none is given."""


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this command to the parser of the command line."""
    fuzz = commands.add_parser("fuzz", help="machines, programs, schedules and free threads, by chance, for a while")
    fuzz.add_argument("--minutes", type=duration, default=1.0, metavar="N", help="how long (1)")
    fuzz.add_argument("--seed", type=int, metavar="S", help="what to do: the same seed does the same (a random one)")
    fuzz.add_argument("--out", type=_folder, default="findings", metavar="DIR", help="for findings (./findings)")
    fuzz.set_defaults(do=run_for_a_while)


def _folder(text: str) -> Path:
    """Refuse now what could not be written to when something is found; nothing is left there yet."""
    folder = Path(text).absolute()
    try:
        there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
        if there.is_dir() and there in (folder, folder.parent):
            return usable_folder(text)
        why = f"{there} is no directory" if not there.is_dir() else f"there is no {folder.parent}"
    except OSError as error:
        why = error.strerror or str(error)
    raise argparse.ArgumentTypeError(f"{text}: {why}, so no finding could be written")


def run_for_a_while(asked: argparse.Namespace, console: Console) -> int:
    """Fuzz as asked for; return the exit code."""
    seed = asked.seed if asked.seed is not None else secrets.randbelow(SEEDS)
    minutes: float = asked.minutes
    out: Path = asked.out
    say(console, f"seed {seed}, {minutes:g} minutes, {PROCESSES} processes; findings go to {out}")
    todo = [
        Job(f"fuzz {process}", partial(work, Share(process, PROCESSES), minutes * 60, seed, out.absolute()))
        for process in range(PROCESSES)
    ]
    code = run(todo, worth_seeing=[job.name for job in todo])
    say(console, f"seed {seed}")
    return code
