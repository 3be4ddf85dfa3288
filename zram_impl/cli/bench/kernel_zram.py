"""A zram device of the running kernel, of our own: added for a measurement and removed afterwards."""

import mmap
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from errno import EBUSY
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from zram_impl.units import PAGE_SIZE

_CONTROL: Final = Path("/sys/class/zram-control")
_BLOCK: Final = Path("/sys/block")
_FLAGS: Final = os.O_RDWR | os.O_DIRECT
_PATIENCE: Final = 5.0
PIECE: Final = 1 << 20
"""Bytes of a large call."""


class KernelZram:
    """The device, driven past the page cache, from memory at page boundaries.

    Attributes:
        pages: How many it has.
    """

    def __init__(self, fd: int, data: memoryview, into: memoryview) -> None:
        """Drive the open device `fd` with `data`, all of its pages; read into `into`, PIECE bytes."""
        self.pages: int = len(data) // PAGE_SIZE
        self._fd, self._data, self._into = fd, data, into

    def write(self, size: int) -> None:
        """Write everything, `size` bytes a call."""
        fd, data, write = self._fd, self._data, os.pwrite
        for at in range(0, len(data), size):
            write(fd, data[at : at + size], at)

    def read(self, size: int) -> None:
        """Read everything, `size` bytes a call."""
        fd, into, read = self._fd, [self._into[:size]], os.preadv
        for at in range(0, len(self._data), size):
            read(fd, into, at)


def _remove(number: int) -> None:
    """Remove a device; wait until nobody has it open, as udev does after a write, for 5 seconds at most."""
    ends = monotonic() + _PATIENCE
    while True:
        try:
            (_CONTROL / "hot_remove").write_text(str(number))
        except OSError as error:
            if error.errno != EBUSY:
                raise
            if monotonic() > ends:
                raise OSError(EBUSY, f"zram{number} is left: somebody has it open") from error
            sleep(_PATIENCE / 100)
        else:
            return


@contextmanager
def kernel_zram(data: bytes) -> Iterator[KernelZram]:
    """Add a device for `data`, a multiple of PIECE bytes, and remove it at the end; no other device is touched.

    Raises:
        OSError: The kernel has no zram, or does not let us.
    """
    assert not len(data) % PIECE, f"data is in pieces of {PIECE} bytes, got {len(data)}"
    number = int((_CONTROL / "hot_add").read_text())
    with ExitStack() as stack:
        # Last: a device that is open cannot be removed.
        stack.callback(_remove, number)
        attributes = _BLOCK / f"zram{number}"
        (attributes / "comp_algorithm").write_text("lz4")
        (attributes / "disksize").write_text(str(len(data)))
        # A node of our own: nobody may have made the one in /dev yet, or at all.
        folder = tempfile.mkdtemp(prefix="zram-impl-")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        node = os.path.join(folder, "zram")
        major, minor = map(int, (attributes / "dev").read_text().split(":"))
        os.mknod(node, stat.S_IFBLK | 0o600, os.makedev(major, minor))
        fd = os.open(node, _FLAGS)
        stack.callback(os.close, fd)
        memory = [stack.enter_context(mmap.mmap(-1, size)) for size in (len(data), PIECE)]
        memory[0][:] = data
        views = [stack.enter_context(memoryview(each)) for each in memory]
        yield KernelZram(fd, views[0], views[1])
