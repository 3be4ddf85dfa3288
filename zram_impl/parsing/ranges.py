"""Page numbers, byte ranges and modes of the Python API, checked and turned into scans and requests; pure."""

from collections.abc import Iterable
from errno import EINVAL

from zram_impl.decisions import Mode
from zram_impl.errors import ZramError, refuse, refuse_type, shown
from zram_impl.parsing.kstrto import U64_MAX, whole
from zram_impl.parsing.recompress_args import RecompressMode, RecompressRequest, parse_recompress_mode
from zram_impl.parsing.writeback_args import Scan, parse_mode
from zram_impl.units import HUGE_CLASS_SIZE, PAGE_SIZE


def page_range(pages: int, start: int, length: int) -> range:
    """Return the pages that `length` bytes from page `start` cover; EINVAL unless they are whole and on the device."""
    if length % PAGE_SIZE:
        raise refuse(EINVAL, f"length must be a multiple of {PAGE_SIZE}, got {length}")
    refuse_unless_ints(start)
    end = start + length // PAGE_SIZE
    if not 0 <= start <= end <= pages:
        raise refuse(EINVAL, f"pages must be within 0 to {pages - 1}, got {shown(start)} to {shown(end - 1)}")
    return range(start, end)


def check_bytes(pages: int, offset: int, length: int) -> None:
    """Refuse, with EINVAL, a byte range that is not all on the device."""
    refuse_unless_ints(offset, length)
    size = pages * PAGE_SIZE
    if offset < 0 or length < 0 or offset + length > size:
        raise refuse(
            EINVAL, f"offset + length must be within the device's {size} bytes, got {shown(offset)} + {shown(length)}"
        )


def pieces(pages: int, offset: int, length: int) -> list[tuple[int, int, int]]:
    """Cut a byte range at page borders: page index, first byte and end within the page."""
    check_bytes(pages, offset, length)
    cut, end = [], offset + length
    while offset < end:
        index, lo = divmod(offset, PAGE_SIZE)
        hi = min(PAGE_SIZE, lo + end - offset)
        cut.append((index, lo, hi))
        offset += hi - lo
    return cut


def whole_pages(pages: int, offset: int, length: int) -> tuple[int, int]:
    """Return first and end of the whole pages within a byte range."""
    check_bytes(pages, offset, length)
    return -(-offset // PAGE_SIZE), (offset + length) // PAGE_SIZE


def scans_for(
    pages: int,
    mode: str | None,
    indexes: Iterable[int] | None,
    ranges: Iterable[tuple[int, int]] | None,
    scans: list[Scan] | None = None,
) -> list[Scan]:
    """Return the scans of a writeback call: a mode over the whole device, the pages named, or scans as they are."""
    if scans is not None:
        if mode is not None or indexes is not None or ranges is not None:
            raise refuse(EINVAL, f"scans must be alone, got {shown(scans)} and a mode, pages or ranges")
        if type(scans) is not list or not all(isinstance(scan, Scan) for scan in scans):
            raise refuse_type(f"scans must be a list of scans, got {shown(scans)}")
        return scans
    if mode is not None:
        if indexes is not None or ranges is not None:
            raise refuse(EINVAL, f"mode must be alone, got {shown(mode)} and named pages")
        return [Scan(parse_mode(mode), 0, pages)]
    if indexes is None and ranges is None:
        raise refuse(EINVAL, "mode, pages or ranges must be given, got none")
    return [Scan(Mode.PAGES, first, last + 1) for first, last in _pairs(pages, indexes, ranges)]


def _pairs(
    pages: int, indexes: Iterable[int] | None, ranges: Iterable[tuple[int, int]] | None
) -> list[tuple[int, int]]:
    """Return first and last of everything named; EINVAL at the first that is not on the device."""
    try:
        named = [_pair(pages, index, index) for index in (() if indexes is None else indexes)]
        return named + [_pair(pages, first, last) for first, last in (() if ranges is None else ranges)]
    except ZramError:
        raise
    except (TypeError, ValueError, NotImplementedError) as error:  # the last by views of several dimensions
        raise refuse_type(f"pages must be numbers and ranges pairs of them, got others: {error}") from error


def _pair(pages: int, first: int, last: int) -> tuple[int, int]:
    refuse_unless_ints(first, last)
    if not 0 <= first <= last < pages:
        raise refuse(EINVAL, f"pages must be within 0 to {pages - 1}, got {shown(first)} to {shown(last)}")
    return first, last


def refuse_unless_ints(*numbers: int) -> None:
    """Refuse, with EINVAL, unless every argument is an int."""
    for number in numbers:
        if not isinstance(number, int):
            raise refuse_type(f"page must be a whole number, got {shown(number)}")


def recompression_of(
    mode: str | None, threshold: int, max_pages: int | None, priority: int | None, algorithm: str | None
) -> RecompressRequest:
    """Return the request of a recompress call; EINVAL for a value that the attribute could not mean either."""
    named = RecompressMode.ALL if mode is None else parse_recompress_mode(mode)
    whole(threshold, "threshold", 0, HUGE_CLASS_SIZE - 1)
    if max_pages is not None:
        whole(max_pages, "max_pages", 0, U64_MAX)
    return RecompressRequest(named, threshold, max_pages, priority, algorithm)
