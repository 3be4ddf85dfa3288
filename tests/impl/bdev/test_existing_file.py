"""An existing backing file is used as it is, or refused with a reason."""

import errno
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.impl.backing_files import opened, refusal
from zram_impl.units import PAGE_SIZE


def test_an_existing_file_is_used_up_to_its_last_whole_page(path: Path) -> None:
    path.write_bytes(b"x" * (3 * PAGE_SIZE + 100))
    with opened(path) as device:
        assert device.blocks == 3
    assert path.read_bytes() == b"x" * (3 * PAGE_SIZE + 100)


def test_an_existing_file_keeps_its_size(path: Path) -> None:
    path.write_bytes(b"x" * (3 * PAGE_SIZE))
    with opened(path, size=2 * PAGE_SIZE) as device:
        assert device.blocks == 2
    assert path.read_bytes() == b"x" * (3 * PAGE_SIZE)


def test_a_size_must_fit_into_an_existing_file(path: Path) -> None:
    path.write_bytes(b"x" * (3 * PAGE_SIZE))
    error = refusal(path, 3 * PAGE_SIZE + 1)
    assert error.errno == errno.EINVAL
    assert str(3 * PAGE_SIZE + 1) in str(error)
    assert f"the {3 * PAGE_SIZE} bytes" in str(error)
    assert path.read_bytes() == b"x" * (3 * PAGE_SIZE)


def test_an_existing_file_below_a_page_is_refused(path: Path) -> None:
    path.write_bytes(b"x" * (PAGE_SIZE - 1))
    error = refusal(path)
    assert error.errno == errno.EINVAL
    assert f"got {PAGE_SIZE - 1}" in str(error)
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


def test_a_directory_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path)
    assert error.errno == errno.EISDIR
    assert repr(str(tmp_path)) in str(error)


def test_an_empty_path_is_refused_as_the_kernel_does() -> None:
    assert refusal("", PAGE_SIZE).errno == errno.EISDIR


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


@pytest.mark.parametrize("make", [os.mkfifo, make_socket])
def test_what_is_neither_file_nor_block_device_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "odd"
    make(path)
    error = refusal(path)
    assert error.errno == errno.ENOTBLK
    assert repr(str(path)) in str(error)


def test_a_character_device_is_refused() -> None:
    assert refusal("/dev/null").errno == errno.ENOTBLK


def test_a_name_no_file_can_have_is_refused() -> None:
    assert refusal("a\0b", PAGE_SIZE).errno == errno.EINVAL


def test_a_path_through_a_file_is_refused(path: Path) -> None:
    path.write_bytes(bytes(PAGE_SIZE))
    assert refusal(path / "below", PAGE_SIZE).errno == errno.ENOTDIR


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
        with as_nobody():
            error = refusal(path)
        assert error.errno == errno.EACCES
        assert repr(str(path)) in str(error)
