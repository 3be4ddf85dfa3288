"""`python -m stateful fuzz --minutes N [--seed S]`: everything random there is, in two processes."""

import argparse
import os
import secrets
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console

from spec.processes.options import add_processes, add_seed, count, duration
from stateful.bugs import seeded
from stateful.fuzzing.sources import SOURCES, fitting, left_out
from stateful.fuzzing.worker import Share, work
from stateful.jobs.progress import say
from stateful.jobs.report import chosen as chosen_names
from stateful.jobs.report import run
from stateful.jobs.runner import Job
from stateful.seam.chosen import chosen as current
from stateful.seam.chosen import is_ours
from stateful.seam.option import add_device
from zram_impl.cli.output import usable_folder

SEEDS: Final = 1_000_000
"""Seeds that are chosen from when none is given."""


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this command to the parser of the command line."""
    fuzz = commands.add_parser("fuzz", help="machines, programs, schedules and free threads, by chance, for a while")
    long = fuzz.add_mutually_exclusive_group()
    long.add_argument("--minutes", type=duration, default=1.0, metavar="N", help="how long (1)")
    long.add_argument("--seconds", type=duration, metavar="N", help="how long, in seconds")
    add_seed(fuzz, "what to do: the same seed does the same", None)
    add_processes(fuzz)
    fuzz.add_argument("--out", type=folder, default="findings", metavar="DIR", help="for findings (./findings)")
    fuzz.add_argument(
        "--source", action="append", choices=list(SOURCES), metavar="NAME",
        help=f"only this one, or these (all that fit): {', '.join(SOURCES)}",
    )  # fmt: skip
    fuzz.add_argument("--upto", type=count, metavar="N", help="N turns of each source from the seed on, then end")
    fuzz.add_argument("--bug", "--variant", metavar="NAME", help="a drill: seed this bug, which has to be found")
    add_device(fuzz, "fuzz")
    fuzz.set_defaults(do=run_for_a_while)


def folder(text: str) -> Path:
    """Refuse now what could not be written to when something is found; nothing is left there yet."""
    place = Path(text).absolute()
    try:
        there = next(path for path in (place, *place.parents) if os.path.lexists(path))
        if there.is_dir() and there in (place, place.parent):
            return usable_folder(text)
        why = f"{there} is no directory" if not there.is_dir() else f"there is no {place.parent}"
    except OSError as error:
        why = error.strerror or str(error)
    raise argparse.ArgumentTypeError(f"{text}: {why}, so no finding could be written")


def asked_sources(asked: argparse.Namespace) -> tuple[str, ...]:
    """Return the sources asked for; those that do not fit the device end the program."""
    names: Sequence[str] = asked.source or ()
    for name in names:
        source = SOURCES[name]
        if not source.fits:
            why = f"it needs {source.needs}" if source.needs and source.ours is None else "it is for other devices"
            asked.parser.error(f"--source {name} cannot test {current().name}: {why}")
    return tuple(names) or tuple(fitting())


def run_for_a_while(asked: argparse.Namespace, console: Console) -> int:
    """Fuzz as asked for; return the exit code."""
    sources = asked_sources(asked)
    bug = asked.bug or ""
    if bug:
        chosen_names(asked.parser, [bug], [each.name for each in seeded.EVERY], "bug")
        if not is_ours():
            asked.parser.error("--bug must be one of our device's: one of another device is a factory of its own")
    seed = asked.seed if asked.seed is not None else secrets.randbelow(SEEDS)
    seconds: float = asked.minutes * 60 if asked.seconds is None else asked.seconds
    out: Path = asked.out
    processes: int = asked.processes if asked.upto is None else 1
    until = f"{seconds / 60:g} minutes" if asked.upto is None else f"{asked.upto} turns of each source"
    say(console, f"seed {seed}, {until}, {processes} processes; findings go to {out}")
    for without in left_out():
        say(console, f"left out: {without}")
    todo = [
        Job(
            f"fuzz {process}",
            partial(work, Share(process, processes, asked.upto, bug, sources), seconds, seed, out.absolute()),
        )
        for process in range(processes)
    ]
    code = run(todo, asked, console, worth_seeing=[job.name for job in todo])
    say(console, f"seed {seed}")
    return code
