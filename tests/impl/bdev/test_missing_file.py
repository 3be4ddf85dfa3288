"""A missing backing file is created whole or not at all."""

import errno
import os
import resource
import stat
from pathlib import Path

import pytest

from tests.impl.backing_files import opened, refusal, small_file_system
from tests.refused import raising
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


def test_a_missing_file_needs_a_size(path: Path) -> None:
    error = refusal(path)
    assert error.errno == errno.ENOENT
    assert repr(str(path)) in str(error)
    assert not path.exists()


@pytest.mark.parametrize("size", [-1, 0, PAGE_SIZE - 1])
def test_a_size_below_a_page_is_refused(path: Path, size: int) -> None:
    error = refusal(path, size)
    assert error.errno == errno.EINVAL
    assert f"got {size} for" in str(error)
    assert not path.exists()


def test_a_size_that_no_file_can_have_is_refused(path: Path) -> None:
    error = refusal(path, 1 << 63)
    assert error.errno == errno.EFBIG
    assert str(1 << 63) in str(error)
    assert not path.exists()


def test_a_missing_directory_is_said(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "pages.img"
    error = refusal(path, PAGE_SIZE)
    assert error.errno == errno.ENOENT
    assert repr(str(path)) in str(error)


def test_a_dangling_link_is_not_followed_to_create_something(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    assert refusal(link, PAGE_SIZE).errno == errno.EEXIST
    assert link.is_symlink()


def test_a_file_beyond_the_disk_is_refused_and_removed(tmp_path: Path) -> None:
    with small_file_system(tmp_path) as where:
        error = refusal(where / "pages.img", 1 << 20)
        assert error.errno == errno.ENOSPC
        assert str(1 << 20) in str(error)
        assert list(where.iterdir()) == []
        with opened(where / "pages.img", size=8 * PAGE_SIZE) as device:
            assert device.blocks == 8


def test_a_file_beyond_the_size_limit_is_refused_and_removed(path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8 * PAGE_SIZE, hard))
    try:
        error = refusal(path, 16 * PAGE_SIZE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert error.errno == errno.EFBIG
    assert not path.exists()
