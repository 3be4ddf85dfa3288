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
    """Refuse now what could not be written to when something is found; nothing is made yet."""
    folder = Path(text).absolute()
    there = next(path for path in (folder, *folder.parents) if os.access(path, os.F_OK))
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise argparse.ArgumentTypeError(f"{text}: {there} is no directory that can be written to")
    return Path(text)


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
