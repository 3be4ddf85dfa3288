"""A backing file that is gone when the process is, however it ends."""

import os
import shutil
import tempfile

from zram_impl.bdev.file import FileDevice, open_file
from zram_impl.units import PAGE_SIZE


def scratch_file(directory: str | None, pages: int) -> FileDevice:
    """Make a backing file of `pages` blocks, at least one, in `directory` (default: where temporary files go).

    Raises:
        OSError: The directory cannot be used, or is full.
    """
    folder = tempfile.mkdtemp(prefix="zram-impl-", dir=directory)
    try:
        return open_file(os.path.join(folder, "pages"), size=max(pages, 1) * PAGE_SIZE)
    finally:
        # The open descriptor keeps the file alive. Without a name nothing is left behind, not even by SIGKILL.
        shutil.rmtree(folder, ignore_errors=True)


def describe(device: FileDevice, directory: str | None) -> str:
    """Say what the figures of a scratch file in `directory` depend on: file system, and whether the cache is passed."""
    return f"{_file_system(directory or tempfile.gettempdir())}, {'O_DIRECT' if device.direct else 'buffered'}"


def _file_system(directory: str) -> str:
    """Return the type of the file system that `directory` is on, as the mount table names it."""
    number = os.stat(directory).st_dev
    wanted = f"{os.major(number)}:{os.minor(number)}"
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
            for mount in mounts:
                # Everything after " - " is type, source and options; the third field before it is the device.
                where, _, what = mount.partition(" - ")
                if where.split()[2] == wanted:
                    return what.split()[0]
    except OSError:
        pass
    return "unknown file system"
