"""Files that are there whole or not at all, and folders that can be written to."""

import errno
import os
import stat
from pathlib import Path

import pytest

from tests.refused import raising
from zram_impl.cli.output import usable_folder, whole, write_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "scratch")


def test_a_file_is_there_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with whole(path) as file:
        file.write("all of it")
        file.flush()
        assert not path.exists()
    assert (names(tmp_path), path.read_text()) == (["file"], "all of it")


@pytest.mark.parametrize("reserve", [False, True])
def test_an_exception_leaves_what_was_there(tmp_path: Path, reserve: bool) -> None:
    (tmp_path / "old").write_text("before")
    for name in ("old", "new"):
        with pytest.raises(KeyboardInterrupt), whole(tmp_path / name, reserve=reserve) as file:  # noqa: PT012  (what is left open is the case)
            file.write("part of it")
            raise KeyboardInterrupt
    assert (names(tmp_path), (tmp_path / "old").read_text()) == (["old"], "before")


def test_a_place_may_be_reserved(tmp_path: Path) -> None:
    with whole(tmp_path / "file", reserve=True) as file:
        assert (tmp_path / "file").read_text() == ""
        file.write("all of it")
    assert (tmp_path / "file").read_text() == "all of it"


def test_mode_and_link_stay(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "file", tmp_path / "link"
    target.write_text("before")
    target.chmod(0o640)
    link.symlink_to(target)
    write_whole(link, "after")
    assert (link.is_symlink(), target.read_text(), stat.S_IMODE(target.stat().st_mode)) == (True, "after", 0o640)
    assert names(tmp_path / "folder") == ["file"]


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(path, "all of it")
        assert os.read(end, 100) == b"all of it"
    finally:
        os.close(end)
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_what_cannot_be_replaced_is_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", raising(OSError, errno.EBUSY, "a mount point"))
    (tmp_path / "file").write_text("what was there before")
    write_whole(tmp_path / "file", "after")
    assert (names(tmp_path), (tmp_path / "file").read_text()) == (["file"], "after")


@pytest.mark.parametrize(
    ("name", "code"),
    [(".", errno.EISDIR), ("no/where", errno.ENOENT), ("file/below", errno.ENOTDIR), ("n" * 256, errno.ENAMETOOLONG)],
)
def test_where_no_file_can_be_is_found_out_at_once(tmp_path: Path, name: str, code: int) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"\w") as caught, whole(tmp_path / name):
        pytest.fail("nothing may begin")
    assert (caught.value.errno, names(tmp_path)) == (code, ["file"])


def test_what_may_not_be_written_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def without_permission(path: str, flags: int) -> int:
        if flags & os.O_WRONLY:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path, flags)

    (tmp_path / "file").write_text("before")
    monkeypatch.setattr(os, "open", without_permission)  # root may write to everything
    with pytest.raises(PermissionError):
        write_whole(tmp_path / "file", "after")
    assert (names(tmp_path), (tmp_path / "file").read_text()) == (["file"], "before")


def test_a_usable_folder_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    assert usable_folder(str(tmp_path / "there")) == tmp_path / "there"
    assert usable_folder(str(tmp_path / "new")) == tmp_path / "new"
    assert (names(tmp_path), names(tmp_path / "there")) == (["there"], ["file"])


@pytest.mark.parametrize(
    ("name", "code"), [("file", errno.EEXIST), ("no/where", errno.ENOENT), ("file/below", errno.ENOTDIR)]
)
def test_an_unusable_folder_is_refused(tmp_path: Path, name: str, code: int) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"\w") as caught:
        usable_folder(str(tmp_path / name))
    assert (caught.value.errno, names(tmp_path)) == (code, ["file"])


@pytest.mark.parametrize("name", ["there", "new"])
def test_a_folder_without_room_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "there").mkdir()
    monkeypatch.setattr(os, "fsync", raising(OSError, errno.ENOSPC, "No space left on device"))
    with pytest.raises(OSError, match="No space left on device"):
        usable_folder(str(tmp_path / name))
    assert (names(tmp_path), names(tmp_path / "there")) == (["there"], [])
