"""The options that every command has in common, in the same words, and the amounts they take.

`-q` and `-v` are for all; `--seed`, `--seconds` and `--processes` for those commands in which something is drawn, may
take any time, or runs side by side.
"""

import argparse
from argparse import ArgumentTypeError
from collections.abc import Iterable
from typing import Final

from spec.processes.progress import PLAIN, QUIET, VERBOSE

_ONE_LINE: Final = 10_000
_INDENT: Final = 4


class Help(argparse.HelpFormatter):
    """Help whose usage is indented alike below every command, so that it fits into 60 columns."""

    def _format_usage(  # type: ignore[explicit-override]  # typing has it from 3.12 on
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None,
    ) -> str:
        width, self._width = self._width, _ONE_LINE
        try:
            text = super()._format_usage(usage, actions, groups, prefix)
        finally:
            self._width = width
        return _in_lines(text, width) + "\n\n"


def _in_lines(text: str, width: int) -> str:
    """Lay a usage out in lines; what is in brackets stays together."""
    parts, depth = list[str](), 0
    for word in text.split():
        if depth:
            parts[-1] += f" {word}"
        else:
            parts.append(word)
        depth += sum(map(word.count, "[({")) - sum(map(word.count, "])}"))
    lines = [""]
    for part in parts:
        if lines[-1] and len(lines[-1]) + 1 + len(part) > width:
            lines.append(" " * _INDENT + part)
        else:
            lines[-1] += " " * bool(lines[-1]) + part
    return "\n".join(lines)


def add_loudness(parser: argparse.ArgumentParser) -> None:
    """Add `-q` and `-v`; the parsed `loud` is one of the constants of `progress`."""
    parser.formatter_class = Help
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
    parser.add_argument("--seed", type=integer, default=default, metavar="S", help=f"{what} ({shown})")


def add_seconds(parser: argparse.ArgumentParser, what: str, default: float | None) -> None:
    """Add `--seconds`, a time to run for."""
    shown = "no limit" if default is None else f"{default:g}"
    parser.add_argument("--seconds", type=duration, default=default, metavar="N", help=f"{what} ({shown})")


def add_processes(parser: argparse.ArgumentParser, default: int = 2) -> None:
    """Add `--processes`."""
    parser.add_argument(
        "--processes", type=count, default=default, metavar="N", help=f"how many run side by side ({default})"
    )


def integer(text: str) -> int:
    """Read a whole number of either sign."""
    if not text.isascii() or not text.removeprefix("-").isdigit():
        raise ArgumentTypeError(f"must be a whole number, got {text!r}")
    return int(text)


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
