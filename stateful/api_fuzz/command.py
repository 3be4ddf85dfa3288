"""`python -m stateful api-fuzz`: see `fuzz`."""

import argparse
from functools import partial

from rich.console import Console

from stateful.api_fuzz.device_fuzz import device_inputs
from stateful.api_fuzz.fuzz import check, inputs
from stateful.jobs.arguments import count
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
    odd.add_argument("--seed", type=int, default=1, metavar="S", help="what they are drawn from (1)")
    add_device(odd, "api-fuzz")
    odd.set_defaults(do=api_fuzz)


def api_fuzz(asked: argparse.Namespace, console: Console) -> int:
    """Try the inputs, half of them in each of two processes, and return the exit code."""
    middle = -(-asked.count // 2)
    parts = {"first inputs": (0, middle), "other inputs": (middle, asked.count - middle)}
    return run(
        [
            Job(name, partial(check, inputs if is_ours() else device_inputs, asked.seed, *part))
            for name, part in parts.items()
            if part[1]
        ],
        asked,
        console,
    )
