"""A compressed page store with writeback to a backing device, behaving as Linux zram does.

Example:
    >>> from zram_impl import Zram
    >>> with Zram.create("256M", backing="pages.img", backing_size="128M") as dev:
    ...     dev.write_page(0, b"x" * 4096)
    ...     dev.mark_idle()
    ...     print(dev.writeback("idle"))
"""

from typing import TYPE_CHECKING

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

__version__: str

if not TYPE_CHECKING:  # which would take any name for one of the package's

    def __getattr__(name: str) -> str:
        """Return `__version__`, which nearly nobody asks for: to look it up takes as long as everything else here."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  (20 ms)

        try:
            found = version("zram-impl")
        except PackageNotFoundError:  # a checkout that is not installed
            found = "0+unknown"
        globals()[name] = found
        return found
