"""A backing file has one user, whatever happens to its name."""

import errno
import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.impl.backing_files import opened
from tests.refused import raising, refused
from zram_impl.bdev.file import open_file
from zram_impl.units import PAGE_SIZE

ROOT = Path(__file__).resolve().parents[3]


def test_a_second_open_in_the_same_process_is_refused(path: Path) -> None:
    with opened(path, size=PAGE_SIZE) as device:
        # Nor does a refused one take the first one's lock with it, as a POSIX lock would.
        for _ in range(2):
            with refused(errno.EBUSY, re.escape(repr(str(path)))):
                open_file(path, size=None)
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
    with refused(errno.ENOLCK):
        open_file(path, size=PAGE_SIZE)
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


def replace_by_a_file(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(bytes(PAGE_SIZE))
    other.replace(path)


def replace_by_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("moment", "change"), [("after", replace_by_a_file), ("before", replace_by_a_pipe), ("after", Path.unlink)]
)
def test_a_file_that_changes_while_it_is_opened_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, change: Callable[[Path], None]
) -> None:
    path.write_bytes(bytes(PAGE_SIZE))
    around_open(monkeypatch, **{moment: lambda: change(path)})
    with refused(errno.EBUSY):
        open_file(path, size=None)
    assert path.exists() == (change is not Path.unlink)


def test_a_new_file_that_another_user_locks_first_is_not_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs: list[int] = []

    def lock() -> None:
        theirs.append(os.open(path, os.O_RDWR))
        fcntl.flock(theirs[0], fcntl.LOCK_EX)

    around_open(monkeypatch, after=lock)
    with refused(errno.EBUSY):
        open_file(path, size=PAGE_SIZE)
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
    with refused(errno.ENOSPC):
        open_file(path, size=PAGE_SIZE)
    assert path.read_bytes() == b"theirs"
