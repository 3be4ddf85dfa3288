"""Transfers past the page cache where they work, through it elsewhere, from and to any memory."""

import errno
import fcntl
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.impl.backing_files import aligned_pages, opened
from zram_impl.bdev.file import FileDevice, open_file
from zram_impl.units import PAGE_SIZE


def direct_flag(device: FileDevice) -> bool:
    return bool(fcntl.fcntl(device._fd, fcntl.F_GETFL) & os.O_DIRECT)


def test_direct_says_what_the_descriptor_does(path: Path) -> None:
    with opened(path, size=PAGE_SIZE) as device:
        assert device.direct == direct_flag(device)


def refuse_the_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    real = fcntl.fcntl

    def refuse(fd: int, command: int, flags: int = 0) -> int:
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return real(fd, command, flags)

    monkeypatch.setattr(fcntl, "fcntl", refuse)


def refuse_the_transfer(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.preadv

    def refuse(fd: int, buffers: Sequence[memoryview], offset: int) -> int:
        monkeypatch.setattr(os, "preadv", real)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "preadv", refuse)


@pytest.mark.parametrize("refuse", [refuse_the_flag, refuse_the_transfer])
def test_without_direct_transfers_the_page_cache_is_used(
    path: Path, monkeypatch: pytest.MonkeyPatch, refuse: Callable[[pytest.MonkeyPatch], None]
) -> None:
    refuse(monkeypatch)
    with opened(path, size=4 * PAGE_SIZE) as device, aligned_pages(2) as pages:
        assert (device.direct, direct_flag(device)) == (False, False)
        assert device.write(1, pages) == 2 * PAGE_SIZE
        into = bytearray(2 * PAGE_SIZE + 1)
        device.read(1, memoryview(into)[1:])
        assert into == b"\0" + b"".join(pages)


def test_unaligned_memory_is_bounced_and_the_bounce_closed(path: Path) -> None:
    device = open_file(path, size=PAGE_SIZE)
    with aligned_pages(1) as pages:
        device.read(0, pages[0])
        assert list(device._bounces._idle) == []
    device.read(0, memoryview(bytearray(PAGE_SIZE + 1))[1:])
    idle = list(device._bounces._idle)
    device.close()
    assert [bounce.closed for bounce in idle] == [True] * device.direct
