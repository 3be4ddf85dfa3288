"""`python -m stateful bugs | replay`: catch the seeded bugs; replay a schedule, with a bug or without."""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial

from rich.console import Console

from spec.explore.trace import parts
from spec.outputs.options import add_run_outputs, write_run
from spec.outputs.story import RunStory
from spec.outputs.verdicts import FAILED, PASSED, Check, Verdicts
from spec.processes.columns import columns
from spec.processes.options import add_processes
from stateful.bugs import checks, seeded
from stateful.bugs.by_schedules import JOINT_SEEDS, SEEDS
from stateful.jobs.progress import complain, say
from stateful.jobs.report import chosen, run
from stateful.jobs.runner import Job
from stateful.schedules.parting import drawn, parting
from stateful.schedules.render import replay, watched
from stateful.schedules.story import check_of_story, story
from stateful.schedules.token import BadTokenError, decode
from stateful.seam.option import add_device, on_command_line


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add these commands to the parser of the command line."""
    catching = commands.add_parser("bugs", aliases=["mutants"], help="seed bugs and catch them")
    catching.add_argument(
        "names", nargs="*", metavar="NAME",
        help=f"which: {', '.join((*seeded.MACHINE_NAMES, *seeded.SCHEDULE_NAMES))} (all that need no schedule)",
    )  # fmt: skip
    catching.add_argument("--schedules", action="store_true", help="all that only some schedules show")
    add_processes(catching)
    catching.set_defaults(do=_bugs)
    again = commands.add_parser("replay", help="replay a token: lanes per task, preemptions marked, the verdict")
    again.add_argument("token", metavar="TOKEN")
    again.add_argument("other", metavar="OTHER", nargs="?", help="another token, with --diff")
    again.add_argument(
        "--diff",
        action="store_true",
        help="show where two runs part: of TOKEN and OTHER, or of TOKEN with --bug and without; exit code 1 if they do",
    )
    again.add_argument("--bug", "--variant", metavar="NAME", help="with this bug seeded: see bugs --schedules")
    add_run_outputs(again)
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
    bug, began = seeded.by_name(names[0]) if names else None, time.perf_counter()
    if asked.diff:
        return _diff(asked, bug, console)
    if asked.other is not None:
        parser.error("OTHER must be with --diff")
    try:
        with bug.applied() if bug else nullcontext():
            passed = replay(asked.token, lambda text: say(console, text), columns(sys.stdout))
            shown = story_of(asked.token, bug)
    except BadTokenError as error:
        parser.error(str(error))
    verdicts: Verdicts = asked.verdicts
    check = check_of_story(f"replay {asked.token}", shown) if passed == (not shown.rule) else _parted(asked.token)
    verdicts.add(check._replace(seconds=time.perf_counter() - began))
    try:
        write_run(shown, parts, asked)
    except OSError as error:
        complain(f"{error.filename}: {error.strerror or error}")
        return 2
    return 0 if passed else 1


def _diff(asked: argparse.Namespace, bug: seeded.SeededBug | None, console: Console) -> int:
    """Show where two runs part; without another token, it is the bug that makes them."""
    parser: argparse.ArgumentParser = asked.parser
    if asked.other is None and bug is None:
        parser.error("--diff must have another token or --bug")
    if asked.html or asked.itf:
        parser.error("--html, --itf: one run is shown, so not with --diff")
    try:
        programs = decode(asked.token), decode(asked.other or asked.token)
    except BadTokenError as error:
        parser.error(str(error))
    with bug.applied() if bug else nullcontext():
        first = watched(programs[0])
        second = watched(programs[1]) if asked.other else None
    second = second or watched(programs[1])
    with_bug = f" with {bug.name}" if bug else ""
    names = f"{asked.token}{with_bug}", f"{asked.other}{with_bug}" if asked.other else f"{asked.token} as it is"
    found = parting(first, second)
    say(console, drawn(found, names, (first, second), columns(sys.stdout)))
    verdicts: Verdicts = asked.verdicts
    verdicts.add(Check(" and ".join(names), FAILED if found.parts else PASSED, found.sentence(names), 0.0))
    return int(found.parts)


def story_of(token: str, bug: seeded.SeededBug | None) -> RunStory:
    """Play a token and return the run as a story; a bug is named in it, and seeded by the caller."""
    again = f"python -m stateful replay {token}{f' --bug {bug.name}' if bug else ''}{on_command_line()}"
    title, mistake, numbers = (bug.name, bug.mistake, bug.numbers) if bug else (f"token {token}", "", ())
    return story(watched(decode(token)), again, title, mistake, numbers)


def _parted(token: str) -> Check:
    """Return the check of a token that was not the same run each time."""
    return Check(f"replay {token}", FAILED, "the same schedule did not lead to the same run", 0.0)
