"""The path that a store to `backing_dev` names.

Kernel: backing_dev_store(), as of 7.3.4.
"""

from typing import Final

from zram_impl.parsing.kstrto import as_bytes, as_text, c_string

PATH_BYTES: Final = 4095
"""Bytes of a text that are looked at: PATH_MAX, less the NUL behind them."""


def parse_backing_path(text: str) -> str:
    """Read a path: the first bytes of a text that is too long, and without the newline they end in."""
    return as_text(as_bytes(c_string(text))[:PATH_BYTES]).removesuffix("\n")
