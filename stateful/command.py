"""`python -m stateful COMMAND`: hold specification and device together. `--help` names the commands.

Exit code 0 passed, 1 found something, 2 usage, 128 and the number of the signal when interrupted.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final

from rich.console import Console

from spec.assertions import require_assertions
from spec.outputs import options
from spec.outputs.verdicts import FAILED, PASSED, Check, Verdicts
from spec.processes.options import add_loudness, add_processes
from stateful.jobs.progress import complain
from stateful.jobs.report import run
from stateful.seam.chosen import DeviceError
from stateful.seam.option import asked_device

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "stateful.bugs.command": ("bugs", "mutants", "replay"),
    "stateful.lockstep.command": ("machine",),
    "stateful.stress.command": ("threads",),
    "stateful.conformance.command": ("conformance",),
    "stateful.metamorphic.command": ("metamorphic",),
    "stateful.schedules.command": ("schedules",),
    "stateful.fuzzing.command": ("fuzz",),
    "stateful.campaign.command": ("campaign",),
    "stateful.trace_commands": ("trace-check", "trace-record", "kernel-judge"),
    "stateful.api_fuzz.command": ("api-fuzz", "inputs"),
    "stateful.interrupts.command": ("interrupts",),
    "stateful.mutate.command": ("mutate",),
    "stateful.pairs.command": ("guards",),
}
"""Modules that add commands to a parser's, in the order of the help, and the names of these commands."""
_VERDICTS: Final = {0: PASSED, 1: FAILED}
"""By exit code; any other is no verdict."""


class Results(Console):
    """The console of results; nobody reading them any more is an exception, as with any other file."""

    def on_broken_pipe(self) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        """Leave it to the entry of the command; rich would end it with the exit code of a finding."""
        raise  # noqa: PLE0704  (rich calls this while it handles the exception)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    asked, unknown = parser(words[:1]).parse_known_args(words)
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
        if error.filename is None:  # standard output, which the entry of the command answers
            raise
        complain(f"{error.filename}: {error.strerror or error}")
        return 2
    return code


def parser(names: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Return the parser; what it parses has what to `do`, and the `parser` of the command to refuse with.

    Modules of other commands than the named ones are left out: together they take half a second to import.
    """
    every = argparse.ArgumentParser(
        prog="python -m stateful",
        description="Hold specification and implementation together.",
        epilog="Exit code 0: passed. 1: something was found. 2: called wrongly. 130, 143, 129: interrupted.",
    )
    commands = every.add_subparsers(dest="command", required=True, metavar="COMMAND")
    checking = commands.add_parser("check", help="the main job: everything, in about a minute")
    add_processes(checking)
    checking.set_defaults(do=_check)
    named = [module for module, there in COMMANDS.items() if set(there) & set(names)]
    for module in [] if "check" in names else named or COMMANDS:
        import_module(module).add_command(commands)
    for each in dict.fromkeys(commands.choices.values()):  # an alias has the same parser
        options.add_outputs(each)
        add_loudness(each)
        each.set_defaults(parser=each)
    return every


def _check(asked: argparse.Namespace, console: Console) -> int:
    from stateful import check  # noqa: PLC0415  (it needs the provers, which are not where a device is tested alone)

    return run(check.JOBS, asked, console, worth_seeing=check.WORTH_SEEING)
