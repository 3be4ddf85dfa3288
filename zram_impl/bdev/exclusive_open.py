"""Open a backing file for one user alone: an open, locked descriptor, or nothing changed.

A missing file is made at the size asked for; an existing one is never truncated or extended. A refused open
leaves nothing behind: no descriptor, no lock, no half-made file.

Kernel: backing_dev_store() (a block device is opened exclusively there too)
"""

import errno
import fcntl
import os
import stat
from contextlib import ExitStack, suppress

from zram_impl.errors import from_os, refuse

_LARGEST_SIZE = (1 << 63) - 1
"""The most bytes a file offset can count (loff_t)."""

_MODE = 0o600
"""A backing file holds memory pages: nobody else's business."""


def open_exclusively(path: str, size: int | None, undo: ExitStack) -> int:
    """Return a read-write descriptor of `path`, locked against every other user.

    Args:
        path: A regular file or a block device, or a missing name that is created at `size` bytes.
        size: Bytes to create a missing file at; an existing one is not looked at for its size here.
        undo: Gets what must be taken back should the caller fail before it calls `undo.pop_all()`.

    Raises:
        ZramError: EISDIR, ENOTBLK (neither file nor block device), EACCES, EBUSY (in use), ENOENT (missing and no
            size), ENOSPC (no room for a new file), or what else the operating system answered.
    """
    if not path:  # as the kernel answers to an empty path
        raise refuse(errno.EISDIR, "path of the backing file must not be empty, got ''")
    try:
        before = os.stat(path)
    except FileNotFoundError:
        return _create(path, size, undo)
    except OSError as error:
        raise from_os(error, f"look up backing file {path!r}") from error
    except ValueError as error:
        raise refuse(errno.EINVAL, f"path must be a file name, got {path!r}: {error}") from error
    return _open(path, before, undo)


def _open(path: str, before: os.stat_result, undo: ExitStack) -> int:
    if stat.S_ISDIR(before.st_mode):
        raise refuse(errno.EISDIR, f"backing file must be a file or a block device, got directory {path!r}")
    # Refused before it is opened: opening some character devices does something (a watchdog starts).
    if not (stat.S_ISREG(before.st_mode) or stat.S_ISBLK(before.st_mode)):
        kind = stat.filemode(before.st_mode)[0]
        raise refuse(errno.ENOTBLK, f"backing file must be a file or a block device, got {path!r} of type {kind!r}")
    # On a block device O_EXCL claims it from mounts and other drivers; flock alone excludes only those who ask.
    exclusive = os.O_EXCL if stat.S_ISBLK(before.st_mode) else 0
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | exclusive)
    except OSError as error:
        raise from_os(error, f"open backing file {path!r} for reading and writing") from error
    undo.callback(os.close, fd)
    _lock(fd, path)
    # Race: since it was looked up, the name may mean another file by now, or its maker may have given up on it
    # and removed it. The look-up's inode number proves nothing, it may have been used again; that of an open does.
    opened = os.fstat(fd)
    if stat.S_IFMT(before.st_mode) != stat.S_IFMT(opened.st_mode) or not _names(path, opened):
        raise refuse(errno.EBUSY, f"backing file {path!r} was replaced while it was being opened")
    return fd


def _create(path: str, size: int | None, undo: ExitStack) -> int:
    if size is None:
        raise refuse(errno.ENOENT, f"backing file {path!r} does not exist and no size was given to create it at")
    if size > _LARGEST_SIZE:
        raise refuse(errno.EFBIG, f"size must be one a file can have, got {size} for backing file {path!r}")
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_CREAT | os.O_EXCL, _MODE)
    except OSError as error:
        raise from_os(error, f"create backing file {path!r}") from error
    undo.callback(os.close, fd)
    undo.callback(_remove, path, fd)
    # Race with another open: this is locked while still empty, so one that precedes the lock finds it too small.
    _lock(fd, path)
    try:
        _allocate(fd, size)
    except OSError as error:
        raise from_os(error, f"create backing file {path!r} of {size} bytes") from error
    return fd


def _allocate(fd: int, size: int) -> None:
    """Extend an empty file to `size` bytes, with disk space behind them where the file system can promise it."""
    try:
        os.posix_fallocate(fd, 0, size)
    except OSError as error:
        if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL}:
            raise
        os.ftruncate(fd, size)


def _lock(fd: int, path: str) -> None:
    """Take the file's flock: unlike a POSIX lock it belongs to this open, so it excludes this process too."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise refuse(errno.EBUSY, f"backing file {path!r} is in use (locked by another open of it)") from error
    except OSError as error:
        raise from_os(error, f"lock backing file {path!r}") from error


def _remove(path: str, fd: int) -> None:
    """Remove the file this module made, if the name still means it; the caller is refused for another reason."""
    with suppress(OSError):
        if _names(path, os.fstat(fd)):
            os.unlink(path)


def _names(path: str, opened: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(path), opened)
    except OSError:
        return False
