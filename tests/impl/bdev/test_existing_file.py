"""An existing backing file is used as it is, or refused with a reason."""

import errno
import os
import re
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import pytest

from tests.impl.backing_files import opened
from tests.refused import refused
from zram_impl.bdev.file import open_file
from zram_impl.units import PAGE_SIZE


@pytest.mark.parametrize(("more", "size", "blocks"), [(100, None, 3), (0, 2 * PAGE_SIZE, 2)])
def test_an_existing_file_is_used_in_whole_pages_and_kept(path: Path, more: int, size: int | None, blocks: int) -> None:
    there = 3 * PAGE_SIZE + more
    path.write_bytes(b"x" * there)
    with opened(path, size=size) as device:
        assert device.blocks == blocks
    assert path.read_bytes() == b"x" * there


def test_a_size_must_fit_into_an_existing_file(path: Path) -> None:
    path.write_bytes(b"x" * (3 * PAGE_SIZE))
    with refused(errno.EINVAL, f"the {3 * PAGE_SIZE} bytes .*, got {3 * PAGE_SIZE + 1}"):
        open_file(path, size=3 * PAGE_SIZE + 1)
    assert path.read_bytes() == b"x" * (3 * PAGE_SIZE)


def test_an_existing_file_below_a_page_is_refused(path: Path) -> None:
    path.write_bytes(b"x" * (PAGE_SIZE - 1))
    with refused(errno.EINVAL, f"got {PAGE_SIZE - 1}"):
        open_file(path, size=None)
    assert path.read_bytes() == b"x" * (PAGE_SIZE - 1)


def test_the_name_is_the_path_without_links(path: Path, tmp_path: Path) -> None:
    path.write_bytes(bytes(PAGE_SIZE))
    link = tmp_path / "link"
    link.symlink_to(path)
    with opened(link) as device:
        assert device.name == str(path)


def test_the_descriptor_does_not_reach_other_programs(path: Path) -> None:
    with opened(path, size=PAGE_SIZE) as device:
        assert not os.get_inheritable(device._fd)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound, chdir(path.parent):
        bound.bind(path.name)  # a path of a socket has 107 bytes at most


@pytest.mark.parametrize(
    ("make", "code"), [(Path.mkdir, errno.EISDIR), (os.mkfifo, errno.ENOTBLK), (make_socket, errno.ENOTBLK)]
)
def test_what_is_neither_file_nor_block_device_is_refused(
    tmp_path: Path, make: Callable[[Path], None], code: int
) -> None:
    path = tmp_path / "odd"
    make(path)
    with refused(code, re.escape(repr(str(path)))):
        open_file(path, size=None)


@pytest.mark.parametrize(
    ("name", "size", "code"),
    [("", PAGE_SIZE, errno.EISDIR), ("/dev/null", None, errno.ENOTBLK), ("a\0b", PAGE_SIZE, errno.EINVAL)],
)
def test_a_name_of_no_file_is_refused(name: str, size: int | None, code: int) -> None:
    with refused(code):
        open_file(name, size=size)


def test_a_path_through_a_file_is_refused(path: Path) -> None:
    path.write_bytes(bytes(PAGE_SIZE))
    with refused(errno.ENOTDIR):
        open_file(path / "below", size=PAGE_SIZE)


@contextmanager
def as_nobody() -> Iterator[None]:
    """File access as an unprivileged user; root may do what permissions forbid."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("mode", [0o000, 0o444, 0o222])
def test_a_file_that_cannot_be_both_read_and_written_is_refused(mode: int) -> None:
    # Not below tmp_path: its parents are closed to other users, who would be refused for that.
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        path = Path(directory) / "pages.img"
        path.write_bytes(bytes(PAGE_SIZE))
        path.chmod(mode)
        with as_nobody(), refused(errno.EACCES, re.escape(repr(str(path)))):
            open_file(path, size=None)
