"""A backing file has one user, whatever happens to its name."""

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.impl.backing_files import opened, refusal
from tests.refused import raising
from zram_impl.bdev.file import open_file
from zram_impl.units import PAGE_SIZE

ROOT = Path(__file__).resolve().parents[3]


def test_a_second_open_in_the_same_process_is_refused(path: Path) -> None:
    with opened(path, size=PAGE_SIZE) as device:
        error = refusal(path)
        assert error.errno == errno.EBUSY
        assert repr(str(path)) in str(error)
        # Nor does the refused one take the first one's lock with it, as a POSIX lock would.
        assert refusal(path).errno == errno.EBUSY
        assert device.blocks == 1
    with opened(path):
        pass


def test_a_second_open_in_another_process_is_refused(path: Path) -> None:
    script = (
        "import sys; from zram_impl.bdev.file import open_file; from zram_impl.errors import ZramError\n"
        "try: open_file(sys.argv[1], size=None).close()\n"
        "except ZramError as error: sys.exit(error.errno)\n"
    )
    command = [sys.executable, "-c", script, str(path)]
    with opened(path, size=PAGE_SIZE):
        assert subprocess.run(command, cwd=ROOT, check=False).returncode == errno.EBUSY
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_close_unlocks_although_a_child_holds_the_descriptor(path: Path) -> None:
    device = open_file(path, size=PAGE_SIZE)
    with subprocess.Popen(["sleep", "60"], pass_fds=(device._fd,)) as child:
        device.close()
        with opened(path) as again:
            assert (again.blocks, child.poll()) == (1, None)
        child.kill()


def test_a_file_system_without_locks_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", raising(OSError, errno.ENOLCK, os.strerror(errno.ENOLCK)))
    assert refusal(path, PAGE_SIZE).errno == errno.ENOLCK
    assert not path.exists()


def nothing() -> None:
    pass


def around_open(
    monkeypatch: pytest.MonkeyPatch, *, before: Callable[[], None] = nothing, after: Callable[[], None] = nothing
) -> None:
    """Let something happen between the look-up of a name, its opening, and what is done with the descriptor."""
    real = os.open

    def slow(path: str, flags: int, mode: int = 0o777) -> int:
        monkeypatch.setattr(os, "open", real)
        before()
        fd = real(path, flags, mode)
        after()
        return fd

    monkeypatch.setattr(os, "open", slow)


def test_a_file_replaced_while_it_is_opened_is_refused(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    path.write_bytes(bytes(PAGE_SIZE))
    other.write_bytes(bytes(PAGE_SIZE))

    def replace() -> None:
        other.replace(path)

    around_open(monkeypatch, after=replace)
    assert refusal(path).errno == errno.EBUSY
    assert path.exists()


def test_a_file_replaced_since_its_look_up_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(bytes(PAGE_SIZE))

    def replace() -> None:
        path.unlink()
        os.mkfifo(path)

    around_open(monkeypatch, before=replace)
    assert refusal(path).errno == errno.EBUSY


def test_a_file_removed_while_it_is_opened_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(bytes(PAGE_SIZE))
    around_open(monkeypatch, after=path.unlink)
    assert refusal(path).errno == errno.EBUSY


def test_a_new_file_that_another_user_locks_first_is_not_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs: list[int] = []

    def lock() -> None:
        theirs.append(os.open(path, os.O_RDWR))
        fcntl.flock(theirs[0], fcntl.LOCK_EX)

    around_open(monkeypatch, after=lock)
    assert refusal(path, PAGE_SIZE).errno == errno.EBUSY
    assert not path.exists()
    os.close(theirs[0])


def test_a_refused_creator_does_not_remove_what_took_its_name(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"theirs")

    def replaced(_fd: int, _offset: int, _length: int) -> None:
        other.replace(path)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", replaced)
    assert refusal(path, PAGE_SIZE).errno == errno.ENOSPC
    assert path.read_bytes() == b"theirs"
