"""`python -m stateful inputs`: see `bad_input`."""

import argparse
from functools import partial
from typing import TYPE_CHECKING

from stateful.bad_input import check
from stateful.jobs import Job
from stateful.outcome import run

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  (it has no public name)


def add_command(commands: "_Commands") -> None:
    """Add the command to a parser's."""
    odd = commands.add_parser("inputs", help="call everything with arguments of any kind: taken, or refused properly")
    odd.add_argument("--count", type=int, default=100_000, metavar="N", help="how many inputs (100000)")
    odd.add_argument("--seed", type=int, default=1, metavar="S", help="what they are drawn from (1)")


def inputs(parser: argparse.ArgumentParser, asked: argparse.Namespace) -> int:
    """Try the inputs, half of them in each of two processes, and return the exit code."""
    if asked.count < 1:
        parser.error(f"--count {asked.count} is below 1")
    middle = -(-asked.count // 2)
    parts = {"first inputs": (0, middle), "other inputs": (middle, asked.count - middle)}
    return run([Job(name, partial(check, asked.seed, *part)) for name, part in parts.items() if part[1]])
