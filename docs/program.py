"""The command line of the programs that write these documents."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from spec.assertions import require_assertions
from zram_impl.cli.output import write_whole


def parser(name: str, about: str | None) -> argparse.ArgumentParser:
    """Return the parser of a program, without any arguments yet; `about` is the docstring of its module."""
    return argparse.ArgumentParser(
        prog=f"python -m docs.{name}", description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def write_page(
    name: str, about: str | None, page: Path, text: Callable[[], str], arguments: Sequence[str] | None
) -> int:
    """Write a page that takes no arguments to draw, and return the exit code."""
    parser(name, about).parse_args(arguments)
    require_assertions()
    write_whole(page, text())
    return 0
