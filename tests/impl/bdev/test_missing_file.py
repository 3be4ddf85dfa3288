"""A missing backing file is created whole or not at all."""

import errno
import os
import re
import resource
import stat
from pathlib import Path

import pytest

from tests.impl.backing_files import opened, small_file_system
from tests.refused import raising, refused
from zram_impl.bdev.file import open_file
from zram_impl.units import PAGE_SIZE


def test_a_missing_file_is_created_at_its_size_and_private(path: Path) -> None:
    with opened(path, size=5 * PAGE_SIZE) as device:
        found = path.stat()
        assert (device.blocks, found.st_size, stat.S_IMODE(found.st_mode)) == (5, 5 * PAGE_SIZE, 0o600)
        assert device.name == str(path)
    assert path.exists()


def test_a_created_file_has_its_disk_space(path: Path) -> None:
    with opened(path, size=64 * PAGE_SIZE):
        assert path.stat().st_blocks * 512 >= 64 * PAGE_SIZE


@pytest.mark.parametrize("code", [errno.EOPNOTSUPP, errno.EINVAL])
def test_a_file_is_sparse_where_space_cannot_be_reserved(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", raising(OSError, code, os.strerror(code)))
    with opened(path, size=4 * PAGE_SIZE) as device:
        assert (device.blocks, path.stat().st_size) == (4, 4 * PAGE_SIZE)


def test_a_size_with_a_part_of_a_page_is_kept_and_cut_to_pages(path: Path) -> None:
    with opened(path, size=3 * PAGE_SIZE - 1) as device:
        assert (device.blocks, path.stat().st_size) == (2, 3 * PAGE_SIZE - 1)


@pytest.mark.parametrize(
    ("size", "code", "said"),
    [
        (None, errno.ENOENT, ""),
        *((size, errno.EINVAL, f"got {size} for") for size in (-1, 0, PAGE_SIZE - 1)),
        (1 << 63, errno.EFBIG, str(1 << 63)),
    ],
)
def test_a_size_that_no_file_can_have_is_refused(path: Path, size: int | None, code: int, said: str) -> None:
    with refused(code, said or re.escape(repr(str(path)))):
        open_file(path, size=size)
    assert not path.exists()


def test_a_missing_directory_is_said(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "pages.img"
    with refused(errno.ENOENT, re.escape(repr(str(path)))):
        open_file(path, size=PAGE_SIZE)


def test_a_dangling_link_is_not_followed_to_create_something(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    with refused(errno.EEXIST):
        open_file(link, size=PAGE_SIZE)
    assert link.is_symlink()


def test_a_file_beyond_the_disk_is_refused_and_removed(tmp_path: Path) -> None:
    with small_file_system(tmp_path) as where:
        with refused(errno.ENOSPC, str(1 << 20)):
            open_file(where / "pages.img", size=1 << 20)
        assert list(where.iterdir()) == []
        with opened(where / "pages.img", size=8 * PAGE_SIZE) as device:
            assert device.blocks == 8


def test_a_file_beyond_the_size_limit_is_refused_and_removed(path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8 * PAGE_SIZE, hard))
    try:
        with refused(errno.EFBIG):
            open_file(path, size=16 * PAGE_SIZE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not path.exists()
