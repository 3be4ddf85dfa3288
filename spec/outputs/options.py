"""The options that write for other programs: `--json`, `--junit`, `--sarif`; of a run to look at, `--html`, `--itf`."""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from spec.outputs.itf import itf
from spec.outputs.verdicts import Check, Verdicts

if TYPE_CHECKING:
    from spec.outputs.page import Parts
    from spec.outputs.story import RunStory


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add the options to the parser of a command that ends in `write`."""
    group = parser.add_argument_group("outputs", "for other programs (docs/outputs.md)")
    group.add_argument("--json", action="store_true", help="print the verdicts as data; all else goes to stderr")
    group.add_argument("--junit", type=output_file, metavar="FILE", help="write the verdicts as JUnit XML")
    group.add_argument("--sarif", type=output_file, metavar="FILE", help="write what is wrong as SARIF 2.1.0")


def add_run_outputs(parser: argparse.ArgumentParser) -> None:
    """Add the options to the parser of a command that ends in `write_run`."""
    group = parser.add_argument_group("the run", "step by step (docs/outputs.md)")
    group.add_argument("--html", type=output_file, metavar="FILE", help="write it as a page to look at in a browser")
    group.add_argument("--itf", type=output_file, metavar="FILE", help="write its states as an ITF trace")


def output_file(text: str) -> Path:
    """Refuse now what could not be written to when the work is done; nothing is left there yet."""
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"must be a file, got the folder {text!r}")
    if not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"must be in a folder that exists, got {text!r}")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"must be writable, got {text!r}")
    return path


def write(verdicts: Verdicts, asked: argparse.Namespace) -> None:
    """Write what the options of a command line ask for.

    Raises:
        OSError: A file cannot be written.
    """
    # What few ask for is imported here: XML and OpenSSL take as long as all the rest of a command.
    if asked.junit is not None:
        from spec.outputs.junit import junit  # noqa: PLC0415  (as said)

        write_file(asked.junit, junit(verdicts))
    if asked.sarif is not None:
        from spec.outputs.sarif import sarif  # noqa: PLC0415  (as said)

        write_file(asked.sarif, sarif(verdicts))
    if asked.json:
        sys.stdout.write(json.dumps(verdicts.data(), indent=2) + "\n")


def written(program: str, checks: Iterable[Check], asked: argparse.Namespace, *, interrupted: bool = False) -> bool:
    """Write the checks of a program as its command line asks for; say so on stderr if a file cannot be written."""
    verdicts = Verdicts(program)
    verdicts.interrupted = interrupted
    for check in checks:
        verdicts.add(check)
    try:
        write(verdicts, asked)
    except OSError as error:
        if error.filename is None:  # standard output, which the entry of the command answers
            raise
        sys.stderr.write(f"error: {error.filename}: {error.strerror or error}\n")
        return False
    return True


def write_run(story: "RunStory", parts: "Parts", asked: argparse.Namespace) -> None:
    """Write a run as the options of a command line ask for.

    Raises:
        OSError: A file cannot be written.
    """
    if asked.html is not None:
        from spec.outputs.page import page  # noqa: PLC0415  (as in `write`)

        write_file(asked.html, page(story, parts))
    if asked.itf is not None:
        write_file(asked.itf, itf(story))


def write_file(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all; a link, a pipe or a device is written to at once.

    Raises:
        OSError: It cannot be written; `filename` is the path.
    """
    try:
        _write(path, text)
    except OSError as error:  # which has no name when the disk is full, or that of the file aside
        raise OSError(error.errno, error.strerror, str(path)) from error


def _write(path: Path, text: str) -> None:
    there = path.exists()
    if path.is_symlink() or (there and not path.is_file()):
        path.write_text(text, encoding="utf-8")
        return
    aside = path.with_name(f".{os.getpid()}-{os.urandom(4).hex()}.part")
    try:
        aside.write_text(text, encoding="utf-8")
        if there:
            aside.chmod(path.stat().st_mode & 0o777)
        aside.replace(path)
    finally:
        with suppress(FileNotFoundError):
            aside.unlink()
