"""The texts that `recompress` takes: text in, a description of the work out.

Unlike in `writeback`, every word needs a value and no word ends the text; of a repeated key the last one counts.

Kernel: recompress_store(), as of 7.3.4.
"""

from collections.abc import Mapping
from enum import Enum
from errno import EINVAL
from typing import Final, NamedTuple

from zram_impl.errors import refuse, refuse_argument, shown
from zram_impl.parsing.kstrto import parse_s32, parse_u32, parse_u64
from zram_impl.parsing.next_arg import valued_arguments
from zram_impl.units import HUGE_CLASS_SIZE


class RecompressMode(Enum):
    """The slots that recompression looks at; ALL has no name in the grammar, it is what leaving out `type=` means."""

    ALL = "all"
    IDLE = "idle"
    HUGE = "huge"
    HUGE_IDLE = "huge_idle"


_MODES: Final[Mapping[str, RecompressMode]] = {m.value: m for m in RecompressMode if m is not RecompressMode.ALL}
_KEYS: Final = ("type", "max_pages", "threshold", "algo", "priority")


class RecompressRequest(NamedTuple):
    """Parameters of `recompress`.

    Attributes:
        mode: Which slots to look at.
        threshold: Size in bytes from which an object is worth it.
        max_pages: How many slots may be tried; None is any number.
        priority: Of the algorithm to use; None is not given. Its range is for `choose_priority` to check.
        algorithm: Name of the algorithm to use; None is not given.
    """

    mode: RecompressMode = RecompressMode.ALL
    threshold: int = 0
    max_pages: int | None = None
    priority: int | None = None
    algorithm: str | None = None


def parse_recompress(text: str, *, unknown_keys_ignored: bool) -> RecompressRequest:
    """Read the parameters of `recompress`.

    An unknown `type=` is refused only while no earlier one was known.

    Kernel: recompress_store()
    """
    request = RecompressRequest()
    for key, value in valued_arguments(text, _KEYS, unknown_keys_ignored=unknown_keys_ignored):
        match key:
            case "type":
                request = request._replace(mode=_parse_mode(value, request.mode))
            case "max_pages":
                request = request._replace(max_pages=parse_u64(value))
            case "threshold":
                request = request._replace(threshold=parse_u32(value))
            case "algo":
                request = request._replace(algorithm=value)
            case "priority":
                request = request._replace(priority=parse_s32(value))
            case _:
                pass  # A key that means nothing here, and the caller lets it.
    if request.threshold >= HUGE_CLASS_SIZE:
        raise refuse(EINVAL, f"threshold must be 0 to {HUGE_CLASS_SIZE - 1}, got {request.threshold}")
    return request


def parse_recompress_mode(text: str) -> RecompressMode:
    """Read the name of a mode; EINVAL for an unknown one."""
    if not isinstance(text, str):
        raise refuse_argument(text, str, f"mode must be one of {', '.join(_MODES)}, got {shown(text)}")
    return _parse_mode(text, RecompressMode.ALL)


def _parse_mode(text: str, before: RecompressMode) -> RecompressMode:
    mode = _MODES.get(text, before)
    if mode is RecompressMode.ALL:
        raise refuse(EINVAL, f"type must be one of {', '.join(_MODES)}, got {text!r}")
    return mode
