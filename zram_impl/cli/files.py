"""The files that a demo takes, and their content page by page; what cannot be read is counted, not raised."""

import errno
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from zram_impl.cli.stop import Stop
from zram_impl.units import PAGE_SIZE


class File(NamedTuple):
    """A regular file and how much of it is taken: its size when it was found, or what the limit left of that."""

    path: str
    size: int

    @property
    def pages(self) -> int:
        """Pages it fills, the last perhaps in part."""
        return -(-self.size // PAGE_SIZE)


class FileChoice(NamedTuple):
    """Files to read, and how many were passed over for which reason."""

    files: list[File]
    skipped: Counter[str]

    @property
    def pages(self) -> int:
        """Pages of all files; what is read later may be less, never more."""
        return sum(file.pages for file in self.files)


def choose(paths: Sequence[str], limit: int, stop: Stop) -> FileChoice:
    """Find the regular files under `paths`, up to `limit` bytes.

    A link that is named is followed; within a directory links are skipped, so there is no going in circles.

    Raises:
        OSError: A path that is named does not exist or cannot be read; its `filename` says which.
    """
    choice = FileChoice([], Counter())
    for path in paths:
        for found, status in _named(path, choice.skipped):
            stop.check()
            kind = _kind(status)
            if kind is not None:
                choice.skipped[kind] += 1
            elif limit <= 0 and status.st_size:
                choice.skipped["beyond the limit"] += 1
            else:
                choice.files.append(File(found, min(status.st_size, limit)))
                limit -= choice.files[-1].size
    return choice


def read_pages(file: File, most: int) -> Iterator[bytes]:
    """Yield the content in pieces of at most `most` pages, the last page filled up with zeros.

    Raises:
        OSError: The file is gone or cannot be read; what came before was read.
    """
    # Not blocking: by now the name may mean a pipe that nobody writes to.
    fd = os.open(file.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "no longer a regular file", file.path)
        yield from _pieces(fd, file.size, most)
    finally:
        os.close(fd)


def _pieces(fd: int, left: int, most: int) -> Iterator[bytes]:
    while left > 0 and (data := _read_all(fd, min(left, most * PAGE_SIZE))):
        left -= len(data)
        yield data + bytes(-len(data) % PAGE_SIZE)
        if len(data) % PAGE_SIZE:
            return


def _read_all(fd: int, wanted: int) -> bytes:
    """Read `wanted` bytes; less only where the file ends."""
    data = os.read(fd, wanted)
    while 0 < len(data) < wanted and (more := os.read(fd, wanted - len(data))):
        data += more
    return data


def _named(path: str, skipped: Counter[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Yield a path, or what is below it, with its status."""
    status = os.stat(path)
    if not stat.S_ISDIR(status.st_mode):
        if stat.S_ISREG(status.st_mode) and not os.access(path, os.R_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        yield path, status
        return
    with os.scandir(path):  # raises, where os.walk would only show nothing
        pass

    def unreadable(_: OSError) -> None:
        skipped["unreadable"] += 1

    for folder, names, files in os.walk(path, onerror=unreadable):
        # Sorted, so that a run can be repeated.
        names.sort()
        for name in sorted(files):
            try:
                found = os.path.join(folder, name)
                yield found, os.lstat(found)
            except OSError:
                skipped["unreadable"] += 1


def _kind(status: os.stat_result) -> str | None:
    """Say why a file is passed over; None for a regular one."""
    if stat.S_ISREG(status.st_mode):
        return None
    return "symbolic links" if stat.S_ISLNK(status.st_mode) else "special files"
