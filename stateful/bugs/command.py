"""`python -m stateful bugs | replay`: catch the seeded bugs; replay a schedule, with a bug or without."""

import argparse
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial

from rich.console import Console

from stateful.bugs import checks, seeded
from stateful.bugs.by_schedules import JOINT_SEEDS, SEEDS
from stateful.jobs.progress import say
from stateful.jobs.report import chosen, run
from stateful.jobs.runner import Job
from stateful.schedules.render import replay
from stateful.schedules.token import BadTokenError
from stateful.seam.option import add_device


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add these commands to the parser of the command line."""
    catching = commands.add_parser("bugs", aliases=["mutants"], help="seed bugs and catch them")
    catching.add_argument(
        "names", nargs="*", metavar="NAME",
        help=f"which: {', '.join((*seeded.MACHINE_NAMES, *seeded.SCHEDULE_NAMES))} (all that need no schedule)",
    )  # fmt: skip
    catching.add_argument("--schedules", action="store_true", help="all that only some schedules show")
    catching.set_defaults(do=_bugs)
    again = commands.add_parser("replay", help="replay a token: lanes per task, preemptions marked, the verdict")
    again.add_argument("token", metavar="TOKEN")
    again.add_argument("--bug", "--variant", metavar="NAME", help="with this bug seeded: see bugs --schedules")
    add_device(again, "replay", ["runtime"])
    again.set_defaults(do=_replay)


def _bugs(asked: argparse.Namespace, console: Console) -> int:
    names: Sequence[str] = asked.names
    known = (
        *(() if asked.schedules else seeded.MACHINE_NAMES),
        *(seeded.SCHEDULE_NAMES if names or asked.schedules else ()),
    )
    todo = [
        Job(name, partial(checks.machine_bug, name))
        if name in seeded.MACHINE_NAMES
        else Job(name, partial(checks.schedule_bug, name, SEEDS))
        for name in chosen(asked.parser, names, known, "bug")
    ]
    if asked.schedules and not names:
        todo.append(Job("joint shrinking", partial(checks.joint_shrinking, JOINT_SEEDS)))
    return run(todo, asked, console, worth_seeing=[job.name for job in todo])


def _replay(asked: argparse.Namespace, console: Console) -> int:
    parser: argparse.ArgumentParser = asked.parser
    names = chosen(parser, [asked.bug], [bug.name for bug in seeded.EVERY], "bug") if asked.bug is not None else []
    try:
        with seeded.by_name(names[0]).applied() if names else nullcontext():
            return 0 if replay(asked.token, lambda text: say(console, text)) else 1
    except BadTokenError as error:
        parser.error(str(error))
