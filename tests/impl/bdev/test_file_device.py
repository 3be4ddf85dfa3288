"""Pages arrive at their blocks and come back, and what goes wrong on the way is said."""

import errno
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.impl.backing_files import aligned_pages, opened, small_file_system
from tests.refused import raising, refused
from zram_impl.bdev import file
from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.direct import BouncePages
from zram_impl.bdev.file import open_file
from zram_impl.units import PAGE_SIZE


def test_written_pages_are_read_back_from_their_blocks(path: Path) -> None:
    backing: BackingDevice
    with opened(path, size=8 * PAGE_SIZE) as backing, aligned_pages(3) as pages, aligned_pages(8) as whole:
        assert backing.write(2, pages) == 3 * PAGE_SIZE
        backing.sync()
        for block, page in enumerate(whole):
            backing.read(block, page)
        assert b"".join(whole) == bytes(2 * PAGE_SIZE) + b"".join(pages) + bytes(3 * PAGE_SIZE)
    assert path.read_bytes()[2 * PAGE_SIZE : 5 * PAGE_SIZE] == b"\1" * PAGE_SIZE + b"\2" * PAGE_SIZE + b"\3" * PAGE_SIZE


@pytest.mark.parametrize("offset", [0, 1, 16, 512])
def test_a_read_of_many_pages_goes_into_memory_of_any_alignment(path: Path, offset: int) -> None:
    with opened(path, size=80 * PAGE_SIZE) as device, aligned_pages(80) as pages:
        device.write(0, pages)
        into = bytearray(79 * PAGE_SIZE + offset)
        device.read(1, memoryview(into)[offset:])
        assert into[offset:] == b"".join(pages[1:])


@pytest.mark.parametrize(("direct", "borrowed"), [(True, 1), (False, 0)])
def test_only_direct_reads_take_a_way_round(
    path: Path, monkeypatch: pytest.MonkeyPatch, direct: bool, borrowed: int
) -> None:
    with opened(path, size=PAGE_SIZE) as made:
        device = file.FileDevice(os.dup(made.fileno()), str(path), 1, direct=direct)
        lent, borrow = list[BouncePages](), BouncePages.borrow

        def counted(bounces: BouncePages) -> AbstractContextManager[memoryview]:
            lent.append(bounces)
            return borrow(bounces)

        monkeypatch.setattr(BouncePages, "borrow", counted)
        device.read(0, memoryview(bytearray(PAGE_SIZE + 1))[1:])
        assert len(lent) == borrowed
        device.close()


def test_several_threads_read_and_write_at_once(path: Path) -> None:
    def one(block: int) -> bool:
        with aligned_pages(block + 1) as pages:
            into = bytearray(PAGE_SIZE)
            for _ in range(20):
                device.write(block, pages[block:])
                device.read(block, memoryview(into))
            return into == pages[block]

    with opened(path, size=8 * PAGE_SIZE) as device, ThreadPoolExecutor(4) as pool:
        assert all(pool.map(one, range(8)))


def test_more_pages_than_one_call_takes_are_written_in_several(path: Path) -> None:
    count = file._IOV_MAX + 3
    with opened(path, size=count * PAGE_SIZE) as device, aligned_pages(count) as pages:
        assert device.write(0, pages) == count * PAGE_SIZE
        assert path.read_bytes() == b"".join(pages)


def short_second_call(_fd: int, _buffers: Sequence[memoryview], _offset: int) -> int:
    return PAGE_SIZE + 5


failing_call = raising(OSError, errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(("second", "extra"), [(short_second_call, PAGE_SIZE + 5), (failing_call, 0)])
def test_a_write_that_stops_halfway_says_how_far_it_got(
    path: Path, monkeypatch: pytest.MonkeyPatch, second: Callable[[int, Sequence[memoryview], int], int], extra: int
) -> None:
    real = os.pwritev

    def first(fd: int, buffers: Sequence[memoryview], offset: int) -> int:
        monkeypatch.setattr(os, "pwritev", second)
        return real(fd, buffers, offset)

    monkeypatch.setattr(file, "_IOV_MAX", 2)
    monkeypatch.setattr(os, "pwritev", first)
    with opened(path, size=8 * PAGE_SIZE) as device, aligned_pages(6) as pages:
        assert device.write(0, pages) == 2 * PAGE_SIZE + extra


def test_a_write_that_fails_says_where(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "pwritev", failing_call)
    refusal = refused(errno.ENOSPC, "write 2 pages at block 5")
    with opened(path, size=8 * PAGE_SIZE) as device, aligned_pages(2) as pages, refusal:
        device.write(5, pages)


def test_a_full_disk_at_a_sparse_file_shortens_or_fails_writes(tmp_path: Path) -> None:
    with small_file_system(tmp_path) as where:
        path = where / "pages.img"
        path.touch()
        os.truncate(path, 64 * PAGE_SIZE)
        with opened(path) as device, aligned_pages(32) as pages:
            assert 0 < device.write(0, pages) < 32 * PAGE_SIZE
            with refused(errno.ENOSPC):
                device.write(32, pages[:1])


@pytest.mark.parametrize("left", [2 * PAGE_SIZE, 2 * PAGE_SIZE + 512, 0])
def test_a_file_cut_by_somebody_else_is_an_error_and_not_zeroes(path: Path, left: int) -> None:
    with opened(path, size=4 * PAGE_SIZE) as device:
        os.truncate(path, left)
        with refused(errno.EIO, "at block 1"):
            device.read(1, memoryview(bytearray(3 * PAGE_SIZE)))


def test_a_read_that_stops_inside_a_page_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path, size=4 * PAGE_SIZE) as device:
        monkeypatch.setattr(os, "preadv", lambda _fd, _buffers, _offset: 512)
        with refused(errno.EIO, "512 bytes after"):
            device.read(1, memoryview(bytearray(PAGE_SIZE)))


def test_a_read_in_several_parts_is_put_together(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.preadv

    def one_page(fd: int, buffers: Sequence[memoryview], offset: int) -> int:
        return real(fd, [buffers[0][:PAGE_SIZE]], offset)

    with opened(path, size=4 * PAGE_SIZE) as device, aligned_pages(3) as pages:
        device.write(1, pages)
        monkeypatch.setattr(os, "preadv", one_page)
        into = bytearray(3 * PAGE_SIZE)
        device.read(1, memoryview(into))
        assert into == b"".join(pages)


def test_a_transfer_outside_the_device_is_a_defect(path: Path) -> None:
    path.write_bytes(bytes(8 * PAGE_SIZE))
    with opened(path, size=4 * PAGE_SIZE) as device, aligned_pages(2) as pages:
        for block in (-1, 3, 4):
            with pytest.raises(AssertionError):
                device.write(block, pages)
        with pytest.raises(AssertionError, match="whole pages"):
            device.read(0, pages[0][:-1])
        with pytest.raises(AssertionError, match="at least one page"):
            device.write(0, [])


def test_close_is_idempotent_and_a_transfer_after_it_a_defect(path: Path) -> None:
    device = open_file(path, size=PAGE_SIZE)
    device.read(0, memoryview(bytearray(PAGE_SIZE + 1))[1:])
    device.close()
    device.close()
    with aligned_pages(1) as pages:
        for call in (lambda: device.write(0, pages), lambda: device.read(0, pages[0]), device.sync):
            with pytest.raises(AssertionError, match="closed"):
                call()


def test_a_device_that_cannot_make_writes_durable_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fdatasync", raising(OSError, errno.EIO, os.strerror(errno.EIO)))
    with opened(path, size=PAGE_SIZE) as device, refused(errno.EIO, "fdatasync"):
        device.sync()
