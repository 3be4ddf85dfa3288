"""The archive that the kernel unpacks as its first file system: cpio, the format `newc`."""

import stat
from collections.abc import Iterable
from typing import Final, NamedTuple

_MAGIC: Final = "070701"
_ALIGNED: Final = 4


class Entry(NamedTuple):
    """A file, a directory or a device node."""

    name: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def directory(name: str) -> Entry:
    """Return an empty directory."""
    return Entry(name, stat.S_IFDIR | 0o755)


def file(name: str, data: bytes, *, executable: bool = False) -> Entry:
    """Return a file."""
    return Entry(name, stat.S_IFREG | (0o755 if executable else 0o644), data)


def console() -> Entry:
    """Return the node that the kernel opens for the first process."""
    return Entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))


def archive(entries: Iterable[Entry]) -> bytes:
    """Pack entries."""
    return b"".join(_packed(number, entry) for number, entry in enumerate([*entries, Entry("TRAILER!!!", 0)], start=1))


def _packed(number: int, entry: Entry) -> bytes:
    name = entry.name.encode() + b"\0"
    fields = (number, entry.mode, 0, 0, 1, 0, len(entry.data), 0, 0, *entry.device, len(name), 0)
    header = _MAGIC + "".join(f"{field:08x}" for field in fields)
    return _padded(header.encode() + name) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNED)
