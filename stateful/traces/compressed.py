"""Lines of a file that may be compressed with xz, as far as they are there."""

import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_CHUNK: Final = 1 << 18


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, also of a compressed one that was cut short: all that can be decompressed.

    Raises:
        OSError: It cannot be read.
        LZMAError: It is named `.xz` and is not compressed so, or something in the middle of it was changed.
    """
    if path.suffix != ".xz":
        with path.open("rb") as file:
            yield from file
        return
    rest = b""
    for part in _decompressed(path):
        *lines, rest = (rest + part).split(b"\n")
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


def _decompressed(path: Path) -> Iterator[bytes]:
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            yield decompressor.decompress(data)
            while decompressor.eof and (data := decompressor.unused_data.lstrip(b"\0")):  # another stream follows
                decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ)
                yield decompressor.decompress(data)
