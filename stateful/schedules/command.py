"""`python -m stateful replay | schedules | mutants --schedules`."""

import argparse
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial

from rich.console import Console

from stateful.jobs.progress import say
from stateful.jobs.report import chosen, run
from stateful.jobs.runner import Job
from stateful.schedules import bugs, checks, mended
from stateful.schedules.detection import JOINT_SEEDS, SEEDS
from stateful.schedules.render import replay
from stateful.schedules.scenarios import THEMES
from stateful.schedules.throughput import speeds
from stateful.schedules.token import BadTokenError


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add these commands to the parser of the command line."""
    again = commands.add_parser("replay", help="play a token again: lanes per task, preemptions marked, the verdict")
    again.add_argument("token", metavar="TOKEN")
    again.add_argument("--variant", metavar="NAME", help="with this bug put back: see mutants --schedules, mended.py")
    again.set_defaults(do=_replay)
    every = commands.add_parser("schedules", help="the standard scenarios under every schedule of few preemptions")
    every.add_argument("themes", nargs="*", metavar="THEME", help=f"which (all of them): {', '.join(THEMES)}")
    every.add_argument("--speed", action="store_true", help="say instead how many points a second there are")
    every.add_argument("--preemptions", type=int, default=2, metavar="N", help="at most N preemptions (2)")
    every.set_defaults(do=_schedules)


def _replay(asked: argparse.Namespace, console: Console) -> int:
    parser: argparse.ArgumentParser = asked.parser
    names = chosen(parser, [asked.variant], mended.NAMES) if asked.variant is not None else []
    try:
        with mended.by_name(names[0]).applied() if names else nullcontext():
            return 0 if replay(asked.token, lambda text: say(console, text)) else 1
    except BadTokenError as error:
        parser.error(str(error))


def _schedules(asked: argparse.Namespace, console: Console) -> int:
    parser: argparse.ArgumentParser = asked.parser
    if asked.preemptions < 0:
        parser.error(f"--preemptions {asked.preemptions} is below 0")
    if asked.speed:
        for speed in speeds():
            say(console, speed.line)
        return 0
    themes = chosen(parser, asked.themes, list(THEMES), "theme")
    return run(
        [Job(theme, partial(checks.every_schedule_of, theme, asked.preemptions)) for theme in themes],
        worth_seeing=themes,
    )


def mutants(parser: argparse.ArgumentParser, names: Sequence[str]) -> int:
    """Find the bugs that only a schedule shows; all of them, unless there are names."""
    which = chosen(parser, names, bugs.NAMES)
    todo = [Job(name, partial(checks.variant_of_schedules, name, SEEDS)) for name in which]
    if not names:
        todo.append(Job("joint shrinking", partial(checks.joint_shrinking, JOINT_SEEDS)))
    return run(todo, worth_seeing=[job.name for job in todo])
