"""The options that every command has in common, in the same words, and the amounts they take.

`-q` and `-v` are for all; `--seed`, `--seconds` and `--processes` for those commands in which something is drawn, may
take any time, or runs side by side.
"""

import argparse
from argparse import ArgumentTypeError

from spec.processes.progress import PLAIN, QUIET, VERBOSE


def add_loudness(parser: argparse.ArgumentParser) -> None:
    """Add `-q` and `-v`; the parsed `loud` is one of the constants of `progress`."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "-q", "--quiet", dest="loud", action="store_const", const=QUIET, help="no progress and no notes on stderr"
    )
    either.add_argument(
        "-v", "--verbose", dest="loud", action="store_const", const=VERBOSE, help="progress every second"
    )
    parser.set_defaults(loud=PLAIN)


def add_seed(parser: argparse.ArgumentParser, what: str, default: int | None = 0) -> None:
    """Add `--seed`; `what` says what it decides."""
    shown = "a random one" if default is None else default
    parser.add_argument("--seed", type=int, default=default, metavar="S", help=f"{what} ({shown})")


def add_seconds(parser: argparse.ArgumentParser, what: str, default: float | None) -> None:
    """Add `--seconds`, a time to run for."""
    shown = "no limit" if default is None else f"{default:g}"
    parser.add_argument("--seconds", type=duration, default=default, metavar="N", help=f"{what} ({shown})")


def add_processes(parser: argparse.ArgumentParser, default: int = 2) -> None:
    """Add `--processes`."""
    parser.add_argument(
        "--processes", type=count, default=default, metavar="N", help=f"how many run side by side ({default})"
    )


def count(text: str) -> int:
    """Read a whole number from 1 on."""
    if not text.isascii() or not text.isdigit() or not int(text):
        raise ArgumentTypeError(f"must be a whole number from 1 on, got {text!r}")
    return int(text)


def duration(text: str) -> float:
    """Read a time to run for, in whatever unit, above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ArgumentTypeError(f"must be a time above 0, got {text!r}")
    return number
