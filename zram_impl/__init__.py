"""A compressed page store with writeback to a backing device, behaving as Linux zram does.

Example:
    >>> from zram_impl import Zram
    >>> with Zram.create("256M", backing="pages.img", backing_size="128M") as dev:
    ...     dev.write_page(0, b"x" * 4096)
    ...     dev.mark_idle()
    ...     print(dev.writeback("idle"))
"""

from importlib.metadata import PackageNotFoundError, version

from zram_impl.errors import ZramError, ZramTypeError
from zram_impl.quirks import Quirks
from zram_impl.result import RecompressResult, WritebackResult
from zram_impl.units import PAGE_SIZE
from zram_impl.zram import Zram

__all__ = [
    "PAGE_SIZE",
    "Quirks",
    "RecompressResult",
    "WritebackResult",
    "Zram",
    "ZramError",
    "ZramTypeError",
    "__version__",
]

try:
    __version__ = version("zram-impl")
except PackageNotFoundError:  # a checkout that is not installed
    __version__ = "0+unknown"
