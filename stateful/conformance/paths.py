"""The names of the recorded machine: which file a path leads to, as the kernel walks it."""

from collections.abc import Collection
from errno import EISDIR, ENAMETOOLONG, ENOENT, ENOTDIR
from typing import Final

from zram_impl.errors import refuse
from zram_impl.parsing.kstrto import as_bytes

DIRECTORIES: Final = frozenset({"/", "/bd", "/dev", "/dev/mapper", "/mods", "/proc", "/seq", "/sys"})
"""The directories there are."""

LONGEST_NAME: Final = 255
"""Bytes of one part of a path."""

LONGEST_PATH: Final = 4095


def walk(path: str, files: Collection[str], *, create: bool = False) -> str:
    """Return the one of `files`, each named from the root without detours, that `path` leads to.

    With `create` it is also where a file can be made that is not there.

    Raises:
        ZramError: EISDIR for a directory, and for nothing at all; ENOTDIR where a file would have to be one; ENOENT;
            ENAMETOOLONG.

    Kernel: path_lookupat()
    """
    size = len(as_bytes(path))
    if size > LONGEST_PATH:
        raise refuse(ENAMETOOLONG, f"a path of {size} bytes")
    where = "/"  # where every path begins
    for part in path.split("/"):
        if where not in DIRECTORIES and (part or where in files):
            raise refuse(ENOTDIR if where in files else ENOENT, f"{where!r} of {path!r} is no directory")
        if len(as_bytes(part)) > LONGEST_NAME:
            raise refuse(ENAMETOOLONG, f"a name of {len(as_bytes(part))} bytes")
        if part == "..":
            where = where.rpartition("/")[0] or "/"
        elif part not in ("", "."):
            where = f"{where.rstrip('/')}/{part}"
    if where in DIRECTORIES:
        raise refuse(EISDIR, f"{path!r} is a directory")
    if where not in files and not (create and (where.rpartition("/")[0] or "/") in DIRECTORIES):
        raise refuse(ENOENT, f"there is no {path!r}")
    return where
