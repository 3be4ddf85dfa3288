"""The texts that `writeback` and `idle` take: text in, a description of the work out, nothing done yet.

The driver scans while it parses, and drops what it found for a refused text: parsing first and scanning afterwards has
the same outcome.

Kernel: writeback_store(), parse_mode(), parse_page_index(), parse_page_indexes(), idle_store(), as of 7.3.4.
"""

from collections.abc import Mapping
from errno import EINVAL, ERANGE
from typing import Final, NamedTuple

from zram_impl.decisions import Mode
from zram_impl.errors import ZramError, refuse, refuse_argument, shown
from zram_impl.parsing.kstrto import U32_MAX, c_string, parse_u32, parse_u64
from zram_impl.parsing.next_arg import split_arguments

_MODES: Final[Mapping[str, Mode]] = {m.name.lower(): m for m in Mode if m is not Mode.PAGES}


class Scan(NamedTuple):
    """One walk over the slots `lo <= index < hi`, in ascending order, and which of them are wanted."""

    mode: Mode
    lo: int
    hi: int


class WritebackRequest(NamedTuple):
    """The scans of one store, in order. They may overlap: a slot found twice is queued twice by the driver."""

    scans: tuple[Scan, ...]


def parse_writeback(text: str, pages: int, *, unknown_keys_ignored: bool) -> WritebackRequest:
    """Read the parameters of `writeback` for a device of `pages` pages.

    `page_index=` and `page_indexes=` each scan their range and leave it behind: a mode that follows scans the last
    range named, not the device. A mode ends the text, whatever comes after it. No words, no scans.

    Args:
        text: The parameter string.
        pages: Size of the device; every page named must lie within.
        unknown_keys_ignored: As the driver does; else an unknown `key=value` before the mode is EINVAL.

    Kernel: writeback_store()
    """
    scans: list[Scan] = []
    lo, hi = 0, pages
    for key, value in split_arguments(text):
        if key == "type" or not value:
            scans.append(Scan(parse_mode(value or key), lo, hi))
            break
        if key == "page_index":
            lo, hi = _parse_page_index(value, pages)
            scans.append(Scan(Mode.PAGES, lo, hi))
        elif key == "page_indexes":
            lo, hi = _parse_page_indexes(value, pages)
            scans.append(Scan(Mode.PAGES, lo, hi))
        elif not unknown_keys_ignored:
            raise refuse(EINVAL, f"key must be one of type, page_index, page_indexes, got {key!r} in {text!r}")
    return WritebackRequest(tuple(scans))


def parse_mode(text: str) -> Mode:
    """Read the name of a mode.

    Kernel: parse_mode()
    """
    mode = _MODES.get(text) if type(text) is str else None
    if mode is None:
        raise refuse_argument(text, str, f"mode must be one of {', '.join(_MODES)}, got {shown(text)}")
    return mode


def parse_idle(text: str) -> int | None:
    """Read what `idle` marks: None is every slot, a number the slots not used for that many seconds.

    An age of 0 is not "all": it leaves out what was used within the current second.

    Kernel: idle_store()
    """
    if c_string(text) in ("all", "all\n"):
        return None
    try:
        return parse_u32(text, base=0, too_big=EINVAL)
    except ZramError:
        raise refuse(EINVAL, f"idle must be 'all' or an age of 0 to {U32_MAX} seconds, got {text!r}") from None


def _parse_page_index(text: str, pages: int) -> tuple[int, int]:
    page = _parse_page(text, pages)
    return page, page + 1


def _parse_page_indexes(text: str, pages: int) -> tuple[int, int]:
    """Read `LO-HI`, both inclusive; LO is refused before HI is looked at."""
    first, dash, last = text.partition("-")
    if not dash:
        raise refuse(EINVAL, f"page_indexes must be LO-HI within 0-{pages - 1}, got {text!r}")
    lo = _parse_page(first, pages)
    hi = _parse_page(last, pages)
    if lo > hi:
        raise refuse(
            ERANGE, f"page_indexes must be LO-HI within 0-{pages - 1}, got {text!r}, which ends before it starts"
        )
    return lo, hi + 1


def _parse_page(text: str, pages: int) -> int:
    page = parse_u64(text)
    if page >= pages:
        raise refuse(ERANGE, f"page must be 0 to {pages - 1}, got {text!r}")
    return page
