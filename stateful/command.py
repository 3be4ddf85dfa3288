"""`python -m stateful COMMAND`: hold specification and device together. `--help` names the commands.

Exit code 0 clean, 1 found something, 2 usage, 130 interrupted.
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial

from rich.console import Console

from stateful import check
from stateful import trace_commands as traces
from stateful.api_fuzz import command as inputs
from stateful.conformance import command as conformance
from stateful.fuzzing import command as fuzzing
from stateful.interrupts import command as interrupts
from stateful.jobs.progress import say
from stateful.jobs.report import chosen, run
from stateful.jobs.runner import Job
from stateful.lockstep import detection
from stateful.metamorphic import command as metamorphic
from stateful.schedules import command as schedules
from stateful.schedules.bugs import NAMES as VARIANTS


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m stateful",
        description="Hold specification and implementation together.",
        epilog="Exit code 0: all is well. 1: something was found. 2: called wrongly. 130: interrupted.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="the main job: everything, in about a minute")
    mutants = commands.add_parser("mutants", help="put bugs back and catch them")
    mutants.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which (all of them): {', '.join(detection.names())}"
    )
    mutants.add_argument(
        "--schedules", action="store_true", help=f"those that only a schedule shows: {', '.join(VARIANTS)}"
    )
    replaying = commands.add_parser("conformance", help="replay what a real kernel was recorded to answer, and compare")
    conformance.add_arguments(replaying)
    same = commands.add_parser("metamorphic", help="run generated programs in several ways that must come to the same")
    metamorphic.add_arguments(same)
    schedules.add_commands(commands)
    fuzzing.add_command(commands)
    traces.add_commands(commands)
    inputs.add_command(commands)
    interrupts.add_command(commands)
    asked = parser.parse_args(arguments)
    do: Callable[[argparse.Namespace, Console], int] | None = getattr(asked, "do", None)
    if do is not None:
        return here(partial(do, asked))
    if asked.command in ("trace-check", "trace-record"):
        return _trace(asked)
    if asked.command in schedules.COMMANDS:
        return schedules.COMMANDS[asked.command](parser, asked)
    if asked.command == "check":
        return run(check.JOBS, worth_seeing=check.WORTH_SEEING)
    if asked.schedules:
        return schedules.mutants(parser, asked.names)
    names = chosen(parser, asked.names, detection.names())
    return run([Job(name, partial(check.variant, name)) for name in names], worth_seeing=names)


def here(do: Callable[[Console], int]) -> int:
    """Do something in this process and return the exit code."""
    console = Console()
    try:
        return do(console)
    except KeyboardInterrupt:
        say(console, "interrupted: nothing is left running or on disk")
        return 130


def _trace(asked: argparse.Namespace) -> int:
    console = Console()
    try:
        if asked.command == "trace-check":
            return traces.trace_check(asked.file, console)
        return traces.trace_record(asked.file, asked.seconds, console)
    except KeyboardInterrupt:
        say(console, "interrupted: nothing is left running")
        return 130
