"""Place of an access: the frame of the code that is judged, and what it is called."""

import sys
from pathlib import Path
from types import FrameType
from typing import Final

PRODUCTION: Final = "zram_impl"
_HERE: Final = (str(Path(__file__).parent), "<string>")
"""Beginnings of the names of our files; a method that dataclasses have written has no file, its caller has."""


def caller() -> FrameType:
    """Return the frame of the code whose access is judged: the first that is not of this folder."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    assert frame is not None, "somebody made the access"
    return frame


def _module(frame: FrameType) -> str:
    return str(frame.f_globals["__name__"])


def is_production(frame: FrameType) -> bool:
    """Return whether the code is the device's: observers from outside need no locks."""
    return _module(frame).startswith(PRODUCTION)


def function(frame: FrameType) -> str:
    """Return the qualified name of a function; of a lambda or a comprehension, that of the function around it."""
    return frame.f_code.co_qualname.partition(".<locals>")[0]


def place_of(frame: FrameType) -> str:
    """Return module, function and line."""
    return f"{_module(frame).removeprefix(PRODUCTION + '.')}.{function(frame)}:{frame.f_lineno}"
