"""Runs: requests on consecutive blocks that one device write carries, each with a verdict of its own."""

import errno
from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.request import Phase, WbReq
from zram_impl.events.observer import Observer
from zram_impl.units import PAGE_SHIFT, PAGE_SIZE

_BY_BLOCK: Final = attrgetter("blk_idx")
_ANSWERED: Final = Phase.ANSWERED


def into_runs(requests: Sequence[WbReq], limit: int) -> list[list[WbReq]]:
    """Sort requests by block and cut them into runs of consecutive blocks, none longer than `limit`.

    A stretch that is too long is cut into as few runs as possible, equally long but for one page: a run of a single
    left-over page would cost about as much as a full one.
    """
    ordered = sorted(requests, key=_BY_BLOCK)
    runs: list[list[WbReq]] = []
    first = 0
    for here in range(1, len(ordered) + 1):
        if here < len(ordered) and ordered[here].blk_idx == ordered[here - 1].blk_idx + 1:
            continue
        length = here - first
        if length <= limit:
            runs.append(ordered[first:here])
        else:
            cuts = -(-length // limit)
            runs += [ordered[first + length * n // cuts : first + length * (n + 1) // cuts] for n in range(cuts)]
        first = here
    return runs


def carry(device: BackingDevice, run: Sequence[WbReq], result: int | None = None) -> Exception | None:
    """Write the pages of a run of consecutive blocks; every request of it is ANSWERED afterwards.

    Args:
        device: Where to.
        run: What.
        result: What a write of the whole run was answered with, bytes or an errno below 0; None to write it first.

    Returns:
        None, or what the device raised although it is no OSError: a defect, for which each request of the run has
        been answered with EIO.

    Kernel: submit_bio() and zram_writeback_endio()
    """
    defect: Exception | None = None
    try:
        _judge(device, run, _write(device, run) if result is None else result)
    except Exception as error:  # whatever it is, the requests must come back
        defect = error
        for request in run:
            request.error = errno.EIO
    for request in run:
        request.phase = _ANSWERED
    return defect


def report(observer: Observer, run: Sequence[WbReq]) -> None:
    """Report that a run was answered, under the lock that guards the done queue.

    There it becomes known, all at once: the reaper needs the same lock, so a callback has left by then.
    """
    for request in run:
        observer("device_error" if request.error else "device_ok", request.blk_idx)
        observer("endio_queue", request.number)
        observer("endio_leave", request.number)


def _write(device: BackingDevice, run: Sequence[WbReq]) -> int:
    """Write a run; return the bytes written or an errno below 0."""
    try:
        written = device.write(run[0].blk_idx, [request.page for request in run])
    except OSError as error:
        return -(error.errno or errno.EIO)
    assert 0 <= written <= len(run) << PAGE_SHIFT, "a device writes no more than it was given"
    return written


def _judge(device: BackingDevice, run: Sequence[WbReq], result: int) -> None:
    """Set `error` of each request of a run.

    A run that failed says nothing about its single blocks, and a short one nothing about the blocks from where it
    stopped: those are written once more, page by page, so that one bad block does not fail its neighbours.
    """
    if result < 0 and len(run) == 1:
        run[0].error = -result
        return
    whole = max(result, 0) >> PAGE_SHIFT
    for request in run[:whole]:
        request.error = 0
    for request in run[whole:]:
        request.error = _write_page(device, request)


def _write_page(device: BackingDevice, request: WbReq) -> int:
    """Write one page and return its errno, 0 when all of it was written, EIO when only a part was."""
    try:
        written = device.write(request.blk_idx, [request.page])
    except OSError as error:
        return error.errno or errno.EIO
    return 0 if written == PAGE_SIZE else errno.EIO
