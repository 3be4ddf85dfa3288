"""The node of the recorded machine's device: each operation opens it, does one call, and closes it."""

import zlib
from collections.abc import Callable
from typing import Final, TypeVar

from stateful.conformance.contents import Pattern, generated_bytes
from stateful.conformance.operations import ByteRead, ByteWrite, Hold
from stateful.conformance.page_cache import PageCache
from stateful.conformance.schema import RecordedAnswer
from zram_impl import PAGE_SIZE, Zram
from zram_impl.block_layer import SECTOR, Node, NodeFile

T = TypeVar("T")

_NOT_STORED: Final = "fsync EIO"
"""The text of a buffered write that the device did not take."""


class RecordedNode:
    """The node, who keeps it open, and its page cache, which lasts as long as it is open."""

    def __init__(self, device: Zram) -> None:
        self._node = Node(device)
        self._held: list[NodeFile] = []
        self._exclusive = False
        self._cache = PageCache()

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self._node.size

    def hold(self, how: Hold) -> None:
        """Open the node and keep it open."""
        self._held.append(self._node.open(exclusive=how.exclusive, read_only=how.read_only))
        self._exclusive = self._exclusive or how.exclusive

    def unhold(self) -> None:
        """Close all that was kept open."""
        while self._held:
            self._held.pop().close()
        self._exclusive = False
        self._cache.clear()

    def write(self, page: int, pages: int, pattern: Pattern) -> RecordedAnswer:
        """Write pages past the page cache."""
        return self._write(page * PAGE_SIZE, b"".join(map(pattern.page, range(pages))))

    def read(self, page: int, pages: int) -> RecordedAnswer:
        """Read pages past the page cache; the answer has the checksum of each."""
        data = self._opened(lambda node: node.pread(pages * PAGE_SIZE, page * PAGE_SIZE))
        crc = tuple(f"{zlib.crc32(data[at : at + PAGE_SIZE]):08x}" for at in range(0, len(data), PAGE_SIZE))
        return RecordedAnswer(len(data), crc=crc or None)

    def write_bytes(self, asked: ByteWrite) -> RecordedAnswer:
        """Write bytes; what goes through the page cache is on the device afterwards."""
        data = generated_bytes(asked.seed, asked.length)
        if not asked.buffered:
            return self._write(asked.offset, data)

        def write(node: NodeFile) -> tuple[int, bool]:
            return self._cache.write(node, asked.offset, data[: node.span(asked.offset, len(data), writes=True)])

        written, taken = self._opened(write)
        return RecordedAnswer(written, text=None if taken else _NOT_STORED)

    def read_bytes(self, asked: ByteRead) -> RecordedAnswer:
        """Read bytes; the answer has one checksum."""

        def read(node: NodeFile) -> bytes:
            if not asked.buffered:
                return node.pread(asked.length, asked.offset)
            return self._cache.read(node, asked.offset, node.span(asked.offset, asked.length, writes=False))

        data = self._opened(read)
        return RecordedAnswer(len(data), crc=(f"{zlib.crc32(data):08x}",) if data else None)

    def discard(self, offset: int, length: int) -> None:
        """Discard bytes."""

        def discard(node: NodeFile) -> None:
            node.discard(offset, length)
            self._forget(offset, offset + length)

        self._opened(discard)

    def zeroout(self, offset: int, length: int) -> None:
        """Zero bytes. Sectors are cleared in the page cache before it is noticed that they are no blocks."""

        def zeroout(node: NodeFile) -> None:
            sectors = not offset % SECTOR and not length % SECTOR
            if sectors and 0 < length <= node.size - offset:
                self._forget(offset, offset + length)
            node.zeroout(offset, length)

        self._opened(zeroout)

    def flush(self) -> None:
        """Empty the page cache."""
        self._opened(lambda _node: self._cache.clear())

    def sizes(self) -> str:
        """Say the size in bytes, and those of a logical and of a physical block."""
        return self._opened(lambda node: f"{node.size} {PAGE_SIZE} {PAGE_SIZE}")

    def _write(self, offset: int, data: bytes) -> RecordedAnswer:
        def write(node: NodeFile) -> int:
            if 0 <= offset < node.size:
                end = min(offset + len(data), node.size)
                self._cache.invalidate(range(offset // PAGE_SIZE, -(-end // PAGE_SIZE)))
            return node.pwrite(data, offset)

        return RecordedAnswer(self._opened(write))

    def _forget(self, begin: int, end: int) -> None:
        """Take a range out of the page cache; of what somebody has opened exclusively, whole folios."""
        if self._exclusive:
            self._cache.invalidate(range(begin // PAGE_SIZE, -(-end // PAGE_SIZE)))
        else:
            self._cache.truncate(begin, end)

    def _opened(self, do: Callable[[NodeFile], T]) -> T:
        try:
            with self._node.open() as node:
                return do(node)
        finally:
            if not self._held:
                self._cache.clear()
