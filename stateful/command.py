"""`python -m stateful COMMAND`: hold specification and device together. `--help` names the commands.

Exit code 0 clean, 1 found something, 2 usage, 128 and the number of the signal when interrupted.
"""

import argparse
import time
from collections.abc import Sequence
from typing import Final

from rich.console import Console

from spec.assertions import require_assertions
from spec.outputs import options
from spec.outputs.verdicts import FAILED, PASSED, Check, Verdicts
from spec.processes.options import add_loudness, add_processes
from stateful import trace_commands
from stateful.api_fuzz import command as api_fuzz
from stateful.bugs import command as bugs
from stateful.campaign import command as campaign
from stateful.conformance import command as conformance
from stateful.fuzzing import command as fuzzing
from stateful.interrupts import command as interrupts
from stateful.jobs.progress import Results, complain
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
    bugs, lockstep, stress, conformance, metamorphic, schedules, fuzzing, campaign, trace_commands, api_fuzz,
    interrupts, mutate, pairs,
)  # fmt: skip
"""Modules that add their commands to a parser's."""
_VERDICTS: Final = {0: PASSED, 1: FAILED}
"""By exit code; any other is no verdict."""


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
    asked.verdicts = Verdicts(of_command.prog)
    began = time.perf_counter()
    try:
        with device:
            code: int = asked.do(asked, Results(stderr=asked.json))
    except KeyboardInterrupt:
        asked.verdicts.interrupted = True
        _written(asked, 0, time.perf_counter() - began)
        raise
    if code in _VERDICTS:
        return _written(asked, code, time.perf_counter() - began)
    return code


def _written(asked: argparse.Namespace, code: int, seconds: float) -> int:
    """Write the verdicts as the command line asks for and return the exit code."""
    verdicts: Verdicts = asked.verdicts
    if not verdicts.checks and not verdicts.interrupted:  # the exit code is all that this command says
        verdicts.add(Check(asked.command, _VERDICTS[code], f"exit code {code}", seconds))
    try:
        options.write(verdicts, asked)
    except OSError as error:
        complain(f"{error.filename}: {error.strerror or error}")
        return 2
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
    add_processes(checking)
    checking.set_defaults(do=_check)
    for module in COMMANDS:
        module.add_command(commands)
    for each in dict.fromkeys(commands.choices.values()):  # an alias has the same parser
        options.add_outputs(each)
        add_loudness(each)
        each.set_defaults(parser=each)
    return every


def _check(asked: argparse.Namespace, console: Console) -> int:
    from stateful import check  # noqa: PLC0415  (it needs the provers, which are not where a device is tested alone)

    return run(check.JOBS, asked, console, worth_seeing=check.WORTH_SEEING)
