"""A backing device over a regular file or a block device.

Blocks are read and written past the page cache (O_DIRECT) where the file system takes that, through it otherwise.
The file is locked (flock) from `open_file` to `close`; a partial last page is never touched.

Kernel: backing_dev_store(), backing_dev_show()
"""

import errno
import fcntl
import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from zram_impl.bdev.direct import BouncePages, is_aligned, set_direct
from zram_impl.bdev.exclusive_open import open_exclusively
from zram_impl.errors import ZramError, from_os, refuse
from zram_impl.shield import raised_by_handler
from zram_impl.units import PAGE_SHIFT, PAGE_SIZE

_IOV_MAX: Final = 1024
"""Buffers one pwritev takes (the kernel's UIO_MAXIOV)."""


class FileDevice:
    """Blocks in a file. Make one with `open_file`; methods may be called by several threads at once.

    What the operating system refuses is raised as `ZramError` with its errno.
    """

    __slots__ = ("_blocks", "_bounces", "_direct", "_fd", "_name", "_owner")

    def __init__(self, fd: int, name: str, blocks: int, *, direct: bool) -> None:
        """Own `fd` (open for reading and writing, locked, O_DIRECT set if `direct`) from here on."""
        self._fd = fd
        self._name = name
        self._blocks = blocks
        self._direct = direct
        self._owner = os.getpid()
        self._bounces = BouncePages()

    @property
    def name(self) -> str:
        """The file's path without symbolic links, as `backing_dev` shows it."""
        return self._name

    @property
    def blocks(self) -> int:
        """Number of whole blocks."""
        return self._blocks

    @property
    def direct(self) -> bool:
        """True if the page cache is bypassed, so that pages to be written must be page-aligned."""
        return self._direct

    def fileno(self) -> int:
        """Return the descriptor; it stays the device's."""
        return self._fd

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write page-aligned `pages` to consecutive blocks from `blk_idx`.

        Returns:
            Bytes written; short when the system wrote less, or when an error came after a part was written.

        Raises:
            ZramError: Nothing can be said about any of the blocks.
        """
        self._check(blk_idx, len(pages))
        done = 0
        try:
            # An interrupted call is repeated by the interpreter (PEP 475), so EINTR never gets here.
            for first in range(0, len(pages), _IOV_MAX):
                part = pages[first : first + _IOV_MAX]
                written = os.pwritev(self._fd, part, (blk_idx + first) << PAGE_SHIFT)
                done += written
                if written < len(part) << PAGE_SHIFT:
                    break
        except OSError as error:
            if not done:
                raise from_os(error, f"write {len(pages)} pages at block {blk_idx} of {self._name!r}") from error
        return done

    def read(self, blk_idx: int, into: memoryview) -> None:
        """Fill `into` (writable bytes, whole pages, any alignment) from consecutive blocks from `blk_idx`.

        Raises:
            ZramError: EIO when the file ends early, or what the system answered; `into` may be partly filled.
        """
        assert not len(into) % PAGE_SIZE, "a read is of whole pages"
        self._check(blk_idx, len(into) >> PAGE_SHIFT)
        try:
            if self._direct and not is_aligned(into):
                self._read_bounced(blk_idx << PAGE_SHIFT, into)
            else:
                self._fill(blk_idx << PAGE_SHIFT, into)
        except OSError as error:
            if raised_by_handler(error):
                raise
            raise from_os(error, f"read {len(into)} bytes at block {blk_idx} of {self._name!r}") from error

    def sync(self) -> None:
        """Make completed writes durable; ZramError when the system cannot say so."""
        assert self._fd >= 0, "a closed device is not used"
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise from_os(error, f"fdatasync of {self._name!r}") from error

    def close(self) -> None:
        """Unlock and close the file. No transfer may be under way, and none may follow. Idempotent.

        The lock is its maker's: a forked child that closes its copy leaves it alone.
        """
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        self._bounces.close()
        try:
            # A child forked without exec shares this open, so closing alone would leave the lock with it.
            if os.getpid() == self._owner:
                fcntl.flock(fd, fcntl.LOCK_UN)
        finally:
            os.close(fd)

    def _check(self, blk_idx: int, count: int) -> None:
        assert self._fd >= 0, "a closed device is not used"
        assert count > 0, "a transfer has at least one page"
        assert blk_idx >= 0, "a block index is not negative"
        assert blk_idx + count <= self._blocks, "a transfer ends within the device"

    def _fill(self, offset: int, into: memoryview) -> None:
        done = 0
        while done < len(into):
            got = os.preadv(self._fd, [into[done:]], offset + done)
            # Less than a page is the end of a file that somebody cut; O_DIRECT could not continue there either.
            if not got or got % PAGE_SIZE:
                raise OSError(errno.EIO, f"the file ends {done + got} bytes after offset {offset}")
            done += got

    def _read_bounced(self, offset: int, into: memoryview) -> None:
        with self._bounces.borrow() as bounce:
            for start in range(0, len(into), len(bounce)):
                target = into[start : start + len(bounce)]
                with bounce[: len(target)] as source:
                    self._fill(offset + start, source)
                    target[:] = source


def open_file(path: str | os.PathLike[str], *, size: int | None) -> FileDevice:
    """Open a file or a block device as a backing device, for this user alone.

    A missing file is created at `size` bytes, its disk space reserved where the file system can; removing it later
    is its owner's business. An existing one keeps its size, and only its first `size` bytes (without `size`: all),
    rounded down to pages, are used; what they held is overwritten in time.

    Raises:
        ZramError: EINVAL for a size below one page or beyond an existing file; ENOENT for a missing file without size;
            EISDIR; ENOTBLK for what is neither a file nor a block device; EACCES; EBUSY when it is in use; ENOSPC.
            What was there is as it was, and nothing is left behind.

    Kernel: backing_dev_store()
    """
    where = os.fsdecode(path)
    if size is not None and size < PAGE_SIZE:
        raise refuse(errno.EINVAL, f"size must be at least {PAGE_SIZE} bytes, got {size} for backing file {where!r}")
    with ExitStack() as undo:
        fd = open_exclusively(where, size, undo)
        try:
            blocks = _count_blocks(fd, where, size)
            device = FileDevice(fd, os.path.realpath(where), blocks, direct=set_direct(fd))
        except ZramError:
            raise
        except OSError as error:  # not every file can be sought in or asked for its flags: those of /proc
            raise from_os(error, f"look at backing file {where!r}") from error
        undo.pop_all()
    return device


def _count_blocks(fd: int, path: str, size: int | None) -> int:
    # The end of a block device is where seeking to it leads; its stat says 0.
    there = os.lseek(fd, 0, os.SEEK_END)
    if there < PAGE_SIZE:
        raise refuse(errno.EINVAL, f"backing file {path!r} must be at least {PAGE_SIZE} bytes, got {there}")
    if size is not None and size > there:
        raise refuse(errno.EINVAL, f"size must be at most the {there} bytes of backing file {path!r}, got {size}")
    return (there if size is None else size) >> PAGE_SHIFT
