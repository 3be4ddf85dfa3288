"""`python -m stateful schedules`: the standard scenarios under every schedule of few preemptions."""

import argparse
from functools import partial

from rich.console import Console

from spec.processes.options import add_processes, integer
from stateful.jobs.progress import say
from stateful.jobs.report import chosen, run
from stateful.jobs.runner import Job
from stateful.schedules import checks
from stateful.schedules.scenarios import THEMES
from stateful.schedules.throughput import speeds
from stateful.seam.option import add_device


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this command to the parser of the command line."""
    every = commands.add_parser("schedules", help="the standard scenarios under every schedule of few preemptions")
    every.add_argument("themes", nargs="*", metavar="THEME", help=f"which (all of them): {', '.join(THEMES)}")
    every.add_argument(
        "--benchmark", "--speed", action="store_true", help="say instead how many points a second there are"
    )
    every.add_argument("--preemptions", type=integer, default=2, metavar="N", help="at most N preemptions (2)")
    add_processes(every)
    add_device(every, "schedules", ["runtime"])
    every.set_defaults(do=_schedules)


def _schedules(asked: argparse.Namespace, console: Console) -> int:
    parser: argparse.ArgumentParser = asked.parser
    if asked.preemptions < 0:
        parser.error(f"--preemptions must be at least 0, got {asked.preemptions}")
    if asked.benchmark:
        for speed in speeds():
            say(console, speed.line)
        return 0
    themes = chosen(parser, asked.themes, list(THEMES), "theme")
    return run(
        [Job(theme, partial(checks.every_schedule_of, theme, asked.preemptions)) for theme in themes],
        asked,
        console,
        worth_seeing=themes,
    )
