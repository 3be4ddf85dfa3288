"""Backing files for tests: opened and closed, refused, on a disk that is soon full."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from zram_impl.bdev.file import FileDevice, open_file
from zram_impl.engine.buffers import PageBuffers
from zram_impl.units import PAGE_SIZE


def open_descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


@contextmanager
def opened(path: Path, *, size: int | None = None) -> Iterator[FileDevice]:
    device = open_file(path, size=size)
    try:
        yield device
    finally:
        device.close()


@contextmanager
def aligned_pages(count: int) -> Iterator[list[memoryview]]:
    store = PageBuffers(count)
    pages = [page for page in (store.take() for _ in range(count)) if page is not None]
    for number, page in enumerate(pages):
        page[:] = bytes([number % 251 + 1]) * PAGE_SIZE
    try:
        yield pages
    finally:
        store.close()


@contextmanager
def small_file_system(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 64 KiB; where mounting is not allowed the test is skipped (the size limit has its own)."""
    where = tmp_path / "small"
    where.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(where)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a tmpfs is not allowed here")
    try:
        yield where
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)
