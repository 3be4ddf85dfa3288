"""Pages read and written by the caller's buffers: whole pages in bulk, and bytes at any offset.

Every function checks its range first and raises EINVAL for one that is not all on the device.
"""

from errno import EINVAL
from typing import TYPE_CHECKING, TypeAlias

from zram_impl.errors import refuse, refuse_type, shown
from zram_impl.pages.page_io import Pages
from zram_impl.parsing.ranges import check_bytes, page_range, pieces, whole_pages
from zram_impl.units import PAGE_SIZE

if TYPE_CHECKING:  # whatever has the buffer protocol: mmap, array, numpy's; the name is in collections.abc from 3.12 on
    from _typeshed import ReadableBuffer, WriteableBuffer

    Buffer: TypeAlias = ReadableBuffer
    WritableBuffer: TypeAlias = WriteableBuffer
else:
    Buffer = WritableBuffer = object


def flat(buffer: Buffer) -> memoryview:
    """Return any buffer as bytes; EINVAL unless they are contiguous."""
    try:
        return memoryview(buffer).cast("B")
    except TypeError as error:
        raise refuse_type(f"buffer must be contiguous bytes, got {shown(buffer)}: {error}") from error
    except (ValueError, BufferError) as error:
        raise refuse(EINVAL, f"buffer must be contiguous bytes, got {shown(buffer)}: {error}") from error


def whole_page(page: Buffer) -> bytes:
    """Return a buffer of PAGE_SIZE bytes as bytes of its own; EINVAL for any other length."""
    view = flat(page)
    if view.nbytes != PAGE_SIZE:
        raise refuse(EINVAL, f"page must be {PAGE_SIZE} bytes, got {view.nbytes}")
    return bytes(view)


def wrong_index(index: int, error: TypeError) -> Exception:
    """Return EINVAL for a page index of another type than int; `error` itself if it has another origin."""
    # Not checked beforehand, because that would make every access slower.
    return error if type(index) in (int, bool) else refuse_type(f"page index must be an int, got {shown(index)}")


def write_pages(pages: Pages, start: int, buffer: Buffer) -> None:
    """Store whole pages from page `start`; each page is stored atomically."""
    view = flat(buffer)
    page_range(pages.pages, start, view.nbytes)
    pages.write_pages(start, view)


def read_pages_into(pages: Pages, start: int, buffer: WritableBuffer) -> None:
    """Fill `buffer`, whole pages, from page `start`."""
    view = flat(buffer)
    if view.readonly:
        raise refuse(EINVAL, "buffer must be writable, got a read-only one")
    page_range(pages.pages, start, view.nbytes)
    pages.read_pages_into(start, view)


def read(pages: Pages, offset: int, length: int) -> bytes:
    """Return `length` bytes from byte `offset`."""
    check_bytes(pages.pages, offset, length)
    first, lo = divmod(offset, PAGE_SIZE)
    if lo + length <= PAGE_SIZE:
        return pages.read_page(first)[lo : lo + length] if length else b""
    with memoryview(bytearray(-(-(lo + length) // PAGE_SIZE) * PAGE_SIZE)) as whole:
        pages.read_pages_into(first, whole)  # written-back pages side by side in one transfer
        return bytes(whole[lo : lo + length])


def write(pages: Pages, offset: int, data: Buffer) -> None:
    """Store bytes from `offset`; each page is changed atomically, the call as a whole is not."""
    view = flat(data)
    lo, hi = whole_pages(pages.pages, offset, view.nbytes)
    if lo >= hi:
        _patch(pages, offset, view)
        return
    head, tail = lo * PAGE_SIZE - offset, hi * PAGE_SIZE - offset
    _patch(pages, offset, view[:head])
    pages.write_pages(lo, view[head:tail])
    _patch(pages, hi * PAGE_SIZE, view[tail:])


def _patch(pages: Pages, offset: int, view: memoryview) -> None:
    at = 0
    for index, lo, hi in pieces(pages.pages, offset, view.nbytes):
        pages.patch_in_time(index, lo, bytes(view[at : at + hi - lo]))
        at += hi - lo


def discard(pages: Pages, offset: int, length: int) -> None:
    """Free the whole pages within a range; a part of a page at either end is left alone.

    Kernel: zram_bio_discard()
    """
    lo, hi = whole_pages(pages.pages, offset, length)
    pages.free_pages(lo, hi)


def free_page(pages: Pages, index: int) -> None:
    """Free one page.

    Kernel: zram_slot_free_notify()
    """
    page_range(pages.pages, index, PAGE_SIZE)
    pages.free_pages(index, index + 1)


def write_zeroes(pages: Pages, offset: int, length: int) -> None:
    """Make a range read as zeros: whole pages are freed, parts of pages are zeroed."""
    lo, hi = whole_pages(pages.pages, offset, length)
    pages.free_pages(lo, hi)
    head = min(length, -offset % PAGE_SIZE)
    tail = (offset + length) % PAGE_SIZE if lo <= hi else 0
    for at, size in ((offset, head), (offset + length - tail, tail)):
        for index, first, end in pieces(pages.pages, at, size):
            pages.patch_in_time(index, first, bytes(end - first))
