"""Lines of a file that may be compressed with xz or gzip, or of standard input, as far as they are there."""

import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, Protocol

STDIN: Final = Path("-")
_CHUNK: Final = 1 << 18
_GZIP: Final = 16 + zlib.MAX_WBITS
"""The bits with which zlib reads the header and trailer of gzip."""
_MAGIC: Final = {b"\xfd7zXZ\x00": ".xz", b"\x1f\x8b": ".gz"}
"""The first bytes of what is compressed, for what has no name."""


class CorruptedFileError(Exception):
    """A compressed file in which something was changed, or that is not compressed as its name says."""


class _Decompressor(Protocol):
    """One compressed stream; another may follow it in the file."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, also of a compressed one that was cut short: all that can be decompressed.

    `-` is standard input, of which the first bytes say whether it is compressed; of a file, its name does.

    Raises:
        OSError: It cannot be read.
        CorruptedFileError: It is named `.xz` or `.gz` and is not compressed so, or something in it was changed.
    """
    if path == STDIN:
        yield from _lines(sys.stdin.buffer, None)
        return
    with path.open("rb") as file:
        yield from _lines(file, path.suffix if path.suffix in _KINDS else "")


def _lines(file: BinaryIO, suffix: str | None) -> Iterator[bytes]:
    chunks = iter(lambda: file.read(_CHUNK), b"")
    first = next(chunks, b"")
    if suffix is None:
        suffix = next((kind for magic, kind in _MAGIC.items() if first.startswith(magic)), "")
    whole = _chain(first, chunks)
    rest = b""
    for part in _decompressed(whole, _KINDS[suffix]) if suffix else whole:
        *lines, rest = (rest + part).split(b"\n")
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


def _chain(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
        yield from chunks


def _decompressed(chunks: Iterator[bytes], make: Callable[[], _Decompressor]) -> Iterator[bytes]:
    decompressor = make()
    try:
        for chunk in chunks:
            data = chunk
            if not decompressor.eof:
                yield decompressor.decompress(data)
                data = decompressor.unused_data
            while decompressor.eof and (data := data.lstrip(b"\0")):  # another stream follows
                decompressor = make()
                yield decompressor.decompress(data)
                data = decompressor.unused_data
    except (lzma.LZMAError, zlib.error) as error:
        raise CorruptedFileError(str(error)) from error


_KINDS: Final[dict[str, Callable[[], _Decompressor]]] = {
    ".xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ),
    ".gz": lambda: zlib.decompressobj(_GZIP),
}
