"""A block device as the backing device; skipped where no loop device can be had."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.impl.backing_files import aligned_pages, opened
from tests.refused import errno_of
from zram_impl.bdev.file import open_file
from zram_impl.units import PAGE_SIZE


@contextmanager
def loop_device(image: Path) -> Iterator[Path]:
    command = ["losetup", "--find", "--show", str(image)]
    try:
        found = subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no loop device can be had here")
    try:
        yield Path(found.stdout.strip())
    finally:
        subprocess.run(["losetup", "--detach", found.stdout.strip()], check=True)


def test_a_block_device_serves_and_has_one_user(path: Path) -> None:
    path.write_bytes(bytes(16 * PAGE_SIZE))
    with loop_device(path) as node:
        with opened(node) as device, aligned_pages(2) as pages:
            assert (device.blocks, device.name) == (16, str(node))
            assert device.write(3, pages) == 2 * PAGE_SIZE
            device.sync()
            into = bytearray(2 * PAGE_SIZE)
            device.read(3, memoryview(into))
            assert into == b"".join(pages)
            assert errno_of(lambda: open_file(node, size=None)) == errno.EBUSY
        with opened(node, size=4 * PAGE_SIZE) as device:
            assert device.blocks == 4


def test_a_block_device_claimed_without_a_lock_is_refused(path: Path) -> None:
    path.write_bytes(bytes(16 * PAGE_SIZE))
    with loop_device(path) as node:
        claimed = os.open(node, os.O_RDWR | os.O_EXCL)
        try:
            assert errno_of(lambda: open_file(node, size=None)) == errno.EBUSY
        finally:
            os.close(claimed)
