"""`python -m stateful api-fuzz`: see `fuzz`."""

import argparse
from functools import partial

from rich.console import Console

from spec.processes.options import add_processes, add_seed, count
from stateful.api_fuzz.device_fuzz import device_inputs
from stateful.api_fuzz.fuzz import check, inputs
from stateful.jobs.report import run
from stateful.jobs.runner import Job
from stateful.seam.chosen import is_ours
from stateful.seam.option import add_device


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's."""
    odd = commands.add_parser(
        "api-fuzz", aliases=["inputs"], help="call everything with arguments of any kind: taken, or refused properly"
    )
    odd.add_argument("--count", type=count, default=100_000, metavar="N", help="how many inputs (100000)")
    add_seed(odd, "what they are drawn from", 1)
    add_processes(odd)
    add_device(odd, "api-fuzz")
    odd.set_defaults(do=api_fuzz)


def api_fuzz(asked: argparse.Namespace, console: Console) -> int:
    """Try the inputs, a part of them in each process, and return the exit code."""
    size = -(-asked.count // asked.processes)
    parts = [(first, min(size, asked.count - first)) for first in range(0, asked.count, size)]
    tried = inputs if is_ours() else device_inputs
    return run(
        [Job(f"inputs from {first:,}", partial(check, tried, asked.seed, first, number)) for first, number in parts],
        asked,
        console,
    )
