from typing import Literal

from typing_extensions import Buffer

class LZ4BlockError(Exception): ...

# return_bytearray is offered as False alone: a bytearray could change under those who hold a reference to it.
def compress(
    source: str | Buffer,
    mode: Literal["default", "fast", "high_compression"] = "default",
    store_size: bool = True,
    acceleration: int = 1,
    compression: int = 0,
    return_bytearray: Literal[False] = False,
    dict: str | Buffer = b"",
) -> bytes: ...
def decompress(
    source: str | Buffer,
    uncompressed_size: int = -1,
    return_bytearray: Literal[False] = False,
    dict: str | Buffer = b"",
) -> bytes: ...
