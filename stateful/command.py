"""`python -m stateful COMMAND`: hold specification and device together. `--help` names the commands.

Exit code 0 clean, 1 found something, 2 usage, 128 and the number of the signal when interrupted.
"""

import argparse
from collections.abc import Sequence
from typing import Final

from rich.console import Console

from spec.assertions import require_assertions
from stateful import trace_commands
from stateful.api_fuzz import command as api_fuzz
from stateful.bugs import command as bugs
from stateful.conformance import command as conformance
from stateful.fuzzing import command as fuzzing
from stateful.interrupts import command as interrupts
from stateful.jobs.progress import complain
from stateful.jobs.report import run
from stateful.lockstep import command as lockstep
from stateful.metamorphic import command as metamorphic
from stateful.mutate import command as mutate
from stateful.pairs import command as pairs
from stateful.schedules import command as schedules
from stateful.seam.chosen import DeviceError
from stateful.seam.option import asked_device
from stateful.stress import command as stress

COMMANDS: Final = (
    bugs, lockstep, stress, conformance, metamorphic, schedules, fuzzing, trace_commands, api_fuzz, interrupts, mutate,
    pairs,
)  # fmt: skip
"""Modules that add their commands to a parser's."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    asked, unknown = parser().parse_known_args(arguments)
    of_command: argparse.ArgumentParser = asked.parser
    if unknown:  # which argparse itself would answer with the usage of all commands
        of_command.error(f"unrecognized arguments: {' '.join(unknown)}")
    require_assertions()
    try:
        device = asked_device(asked)
    except DeviceError as error:
        complain(str(error))
        return 2
    with device:
        code: int = asked.do(asked, Console())
    return code


def parser() -> argparse.ArgumentParser:
    """Return the parser; what it parses has what to `do`, and the `parser` of the command to refuse with."""
    every = argparse.ArgumentParser(
        prog="python -m stateful",
        description="Hold specification and implementation together.",
        epilog="Exit code 0: passed. 1: something was found. 2: called wrongly. 130, 143, 129: interrupted.",
    )
    commands = every.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="the main job: everything, in about a minute")
    checking.set_defaults(do=_check)
    for module in COMMANDS:
        module.add_command(commands)
    for each in commands.choices.values():
        each.set_defaults(parser=each)
    return every


def _check(_asked: argparse.Namespace, _console: Console) -> int:
    from stateful import check  # noqa: PLC0415  (it needs the provers, which are not where a device is tested alone)

    return run(check.JOBS, worth_seeing=check.WORTH_SEEING)
