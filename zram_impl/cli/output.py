"""Files that are there whole or not at all."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

_PROBE: Final = b"\0" * (1 << 18)
"""As much as a few files with findings take."""


@contextmanager
def whole(path: str | os.PathLike[str], *, reserve: bool = False) -> Iterator[TextIO]:
    """Open a file to be written that takes the place of `path` when the block ends; with an exception it goes.

    What is there is not touched before, and a link stays one. A pipe or a terminal is written to at once.

    Args:
        path: Where the file is to be.
        reserve: Make an empty file there unless one exists, for as long as the block lasts.

    Raises:
        OSError: A file cannot be written there. Most reasons are found out at once.
    """
    target = Path(os.path.realpath(path))
    before = _look(target)
    if before is not None and not stat.S_ISREG(before.st_mode):
        with target.open("w", encoding="utf-8") as file:
            yield file
        return
    # A name of its own length, whatever that of the target.
    aside = target.with_name(f".{os.getpid()}-{os.urandom(4).hex()}.part")
    reserved = False
    try:
        if reserve and before is None:
            target.touch(exist_ok=False)
            reserved = True
        with aside.open("x", encoding="utf-8") as file:
            if before is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
            yield file
        _put(aside, target)
    except BaseException:
        aside.unlink(missing_ok=True)
        if reserved:
            target.unlink(missing_ok=True)
        raise


def write_whole(path: str | os.PathLike[str], text: str) -> None:
    """Write a file as a whole.

    Raises:
        OSError: It cannot be written; what is there was not touched.
    """
    with whole(path) as file:
        file.write(text)


def _look(target: Path) -> os.stat_result | None:
    """Return what is there, None if there is nothing; OSError if a file could not take its place."""
    try:
        before = os.stat(target)
    except FileNotFoundError:
        if not target.parent.is_dir():
            raise
        return None
    if stat.S_ISREG(before.st_mode):  # who may not write to it shall not replace it either
        os.close(os.open(target, os.O_WRONLY | os.O_CLOEXEC))
    return before


def _put(aside: Path, target: Path) -> None:
    try:
        os.replace(aside, target)
    except OSError:  # a mount point, or another owner's in a shared folder: it can be written to, but not replaced
        shutil.copyfile(aside, target)
        aside.unlink()


def usable_folder(text: str) -> Path:
    """Return a folder in which files can be written; it need not exist yet, but the one it lies in has to.

    Raises:
        OSError: It cannot be made, no file can be made in it, or there is no room for one.
    """
    folder = Path(text)
    made = not folder.is_dir()
    if made:
        folder.mkdir()
    try:
        probe = folder / f".{os.getpid()}-{os.urandom(4).hex()}.part"
        try:
            with probe.open("xb") as file:
                file.write(_PROBE)
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
    finally:
        if made:  # until there is something to put into it
            with suppress(OSError):
                folder.rmdir()
    return folder
