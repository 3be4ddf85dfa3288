"""The block-device face: what the block layer answers on top of the driver.

A `Node` stands for the device file, a `NodeFile` for one open of it. Transfers are those of direct I/O: whole logical
blocks (of PAGE_SIZE bytes) at block offsets. The block layer answers some calls before the driver sees them (how it was
opened, the end of the device, and of what lies before that, alignment), cuts large ones into requests, and makes one
errno of whatever the driver says of a request.

Kernel: blkdev_open(), rw_verify_area(), blkdev_read_iter(), blkdev_write_iter(), blkdev_direct_IO(),
blk_ioctl_discard(), blk_ioctl_zeroout(), bio_split_to_limits(), zram_submit_bio().
"""

from collections.abc import Callable
from errno import EBADF, EINVAL, EIO, ENOSPC
from types import TracebackType
from typing import Final, Self

from zram_impl.device.openers import Opened
from zram_impl.errors import Uncopied, ZramError, refuse, shown
from zram_impl.pages.byte_io import Buffer, flat
from zram_impl.parsing.kstrto import truth
from zram_impl.parsing.ranges import refuse_unless_ints
from zram_impl.units import PAGE_SIZE
from zram_impl.zram import Zram

SECTOR: Final = 512
"""Bytes of a sector, which the block layer counts in."""

OFFSETS: Final = 1 << 63
"""Byte offsets there are; a transfer ends below."""

REQUEST_PAGES: Final = 256
"""Pages of one read or write request at most (BIO_MAX_VECS)."""

DISCARD_BYTES: Final = (((1 << 32) - 1) * SECTOR) // PAGE_SIZE * PAGE_SIZE
"""Bytes of one discard or write-zeroes request at most: the driver sets no limit, so the block layer's counter does."""


class Node(Uncopied):
    """The device file. Opens hold off a reset of the device; the node itself holds nothing."""

    def __init__(self, device: Zram) -> None:
        """Stand for `device`, which stays the caller's to close."""
        self._device = device

    def __repr__(self) -> str:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        return f"<Node of {self._device}, open {self.openers} times>"

    @property
    def size(self) -> int:
        """Size in bytes; 0 while the device is not initialised."""
        return self._device.disksize

    @property
    def openers(self) -> int:
        """Number of opens."""
        return self._device.openers.count

    def open(self, *, exclusive: bool = False, read_only: bool = False) -> "NodeFile":
        """Open it; EBUSY during a reset, or when `exclusive` and somebody else has it so."""
        exclusive, read_only = truth(exclusive, "exclusive"), truth(read_only, "read_only")
        device = self._device
        # An open that an exception keeps from its caller is over as soon as nobody holds it.
        return device.runtime.shielded(
            lambda _interrupts: NodeFile(device, device.openers.enter(exclusive=exclusive), read_only=read_only),
            NodeFile.close,
        )


class NodeFile(Uncopied):
    """One open of the node, for one task at a time; close it, or use it as a context manager."""

    def __init__(self, device: Zram, opened: Opened, *, read_only: bool) -> None:
        """Own an open that `Openers.enter` has noted."""
        self._device = device
        self._opened = opened
        self._read_only = read_only

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        state = "closed" if self._opened.closed else "read-only" if self._read_only else "open"
        return f"<NodeFile of {self._device}, {state}>"

    def close(self) -> None:
        """Close it. Idempotent."""
        self._opened.closed = True

    @property
    def size(self) -> int:
        """Size in bytes, as it is now."""
        return self._device.disksize

    # --- transfers -------------------------------------------------------------------------------------------------

    def pwrite(self, data: Buffer, offset: int) -> int:
        """Write whole blocks at `offset` and return how many bytes were: fewer where the device ends.

        Raises:
            ZramError: EBADF (closed, or opened to read only), ENOSPC (begins at or past the end), EINVAL (no such
                offset, or what lies before the end is not whole blocks), EIO (the driver refused a page, for whatever
                reason; pages before it in the same request, and other requests, are written all the same).
        """
        view = flat(data)
        length = _whole_blocks(offset, self.span(offset, view.nbytes, writes=True))
        step = REQUEST_PAGES * PAGE_SIZE
        failures = [
            self._write_request(view[at : min(at + step, length)], offset + at) for at in range(0, length, step)
        ]
        _raise_first(failures, f"write of {length} bytes at {offset}")
        return length

    def _write_request(self, view: memoryview, offset: int) -> ZramError | None:
        """Write page after page; the first that fails ends the request."""
        try:
            for at in range(0, view.nbytes, PAGE_SIZE):
                self._device.write_page((offset + at) // PAGE_SIZE, view[at : at + PAGE_SIZE])
        except ZramError as error:
            return error
        return None

    def pread(self, length: int, offset: int) -> bytes:
        """Read whole blocks from `offset`: fewer where the device ends, none past it.

        Raises:
            ZramError: EBADF (closed), EINVAL (no such offset, or what lies before the end is not whole blocks), EIO (a
                page cannot be had; the others are asked for all the same).
        """
        length = _whole_blocks(offset, self.span(offset, length, writes=False))
        pages: list[bytes] = []
        failures: list[ZramError | None] = []
        for index in range(offset // PAGE_SIZE, (offset + length) // PAGE_SIZE):
            # Pages on the backing device are asked for side by side, so one that fails does not stop the others.
            try:
                pages.append(self._device.read_page(index))
            except ZramError as error:
                failures.append(error)
        _raise_first(failures, f"read of {length} bytes at {offset}")
        return b"".join(pages)

    def discard(self, offset: int, length: int) -> None:
        """Discard whole blocks; EBADF as for a write, EINVAL unless they are whole, some, and all on the device."""
        self._check_range(offset, length)
        self._in_requests(self._device.discard, offset, length)

    def zeroout(self, offset: int, length: int) -> None:
        """Make whole blocks read as zeros; errors as for `discard`."""
        self._check_range(offset, length)
        self._in_requests(self._device.write_zeroes, offset, length)

    # --- what the block layer checks --------------------------------------------------------------------------------

    def span(self, offset: int, length: int, *, writes: bool) -> int:
        """Return how many bytes of a transfer, of any alignment, lie on the device; it is cut there.

        Raises:
            ZramError: EBADF (closed, or opened to read only), EINVAL (no such offset), ENOSPC (a write that begins at
                or past the end).
        """
        refuse_unless_ints(offset, length)
        if offset < 0:
            raise refuse(EINVAL, f"offset must be at least 0, got {shown(offset)}")
        self._check_open(writes=writes)
        if length < 0 or offset + length >= OFFSETS:
            raise refuse(EINVAL, f"offset + length must be below 2^63, got {shown(offset)} + {shown(length)}")
        size = self.size
        if writes and length and offset >= size:
            raise refuse(ENOSPC, f"offset must be below the device's {size} bytes, got {offset}")
        return max(0, min(length, size - offset))

    def _check_range(self, offset: int, length: int) -> None:
        refuse_unless_ints(offset, length)
        self._check_open(writes=True)
        if offset < 0 or length <= 0 or offset % PAGE_SIZE or length % PAGE_SIZE:
            raise refuse(EINVAL, f"offset and length must be multiples of {PAGE_SIZE}, got {offset} and {length}")
        if offset + length > self.size:
            raise refuse(
                EINVAL, f"offset + length must be within the device's {self.size} bytes, got {offset} + {length}"
            )

    def _check_open(self, *, writes: bool) -> None:
        if self._opened.closed:
            raise refuse(EBADF, "node must be open, got a closed one")
        if writes and self._read_only:
            raise refuse(EBADF, "node must be open to write, got one opened read-only")

    def _in_requests(self, request: Callable[[int, int], None], offset: int, length: int) -> None:
        failures: list[ZramError | None] = []
        for at in range(offset, offset + length, DISCARD_BYTES):
            try:
                request(at, min(DISCARD_BYTES, offset + length - at))
            except ZramError as error:
                failures.append(error)
        _raise_first(failures, f"{request.__name__} of {length} bytes at {offset}")


def _whole_blocks(offset: int, length: int) -> int:
    """Return `length`, of which something may have been cut off; EINVAL unless it is whole blocks or nothing."""
    if length and (offset % PAGE_SIZE or length % PAGE_SIZE):
        raise refuse(EINVAL, f"offset and length must be multiples of {PAGE_SIZE}, got {offset} and {length}")
    return length


def _raise_first(failures: list[ZramError | None], doing: str) -> None:
    """Raise EIO for the first failure there is: of what the driver says, the block layer passes on only that."""
    for failure in failures:
        if failure is not None:
            raise refuse(EIO, f"{doing}: {failure.strerror}") from failure
