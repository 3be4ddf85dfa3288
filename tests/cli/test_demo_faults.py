"""The demo in a faulty world: what differs is found, what fails is one line, and no page is lost."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.refused import raising
from zram_impl.bdev.file import FileDevice
from zram_impl.cli import files
from zram_impl.cli.command import main
from zram_impl.cli.stop import Stop
from zram_impl.engine import ring_choice
from zram_impl.pages.page_io import Pages
from zram_impl.units import PAGE_SIZE


def test_a_page_that_differs_is_found(
    tree: Path, scratch: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_page = Pages.read_page
    monkeypatch.setattr(Pages, "read_page", lambda disk, index: read_page(disk, index if index != 7 else 8))
    assert main(["demo", str(tree), "--backing", str(scratch)]) == 1
    shown = capsys.readouterr()
    assert "page 7 differs: other bytes than were stored" in shown.err
    assert "42 of 43 pages" in shown.out


def test_a_block_that_rots_is_found(
    tree: Path, scratch: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = FileDevice.read

    def rot(device: FileDevice, blk_idx: int, into: memoryview) -> None:
        read(device, blk_idx, into)
        into[100] ^= 1 if blk_idx == 3 else 0

    monkeypatch.setattr(FileDevice, "read", rot)
    assert main(["demo", str(tree), "--backing", str(scratch)]) == 1
    assert "EIO" in capsys.readouterr().err


def test_a_full_disk_is_one_line(
    tree: Path, scratch: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", raising(OSError, errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert main(["demo", str(tree), "--backing", str(scratch)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ENOSPC (No space left on device): create backing file")
    assert shown.err.count("\n") == 1


def test_a_disk_that_fills_up_loses_no_page(
    tree: Path, scratch: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = FileDevice.write

    def fill_up(device: FileDevice, blk_idx: int, pages: Sequence[memoryview]) -> int:
        if blk_idx + len(pages) > 30:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(device, blk_idx, pages)

    monkeypatch.setattr(ring_choice, "open_ring", raising(OSError, "it would write without `FileDevice.write`"))
    monkeypatch.setattr(FileDevice, "write", fill_up)
    assert main(["demo", str(tree), "--backing", str(scratch)]) == 2
    shown = capsys.readouterr()
    assert "pages could not be written back: ENOSPC" in shown.err
    assert "43 of 43 pages are as they were stored" in shown.out


def test_a_file_that_shrinks_or_goes_is_passed_over(
    tree: Path, scratch: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = files.choose

    def meddle(paths: Sequence[str], limit: int, stop: Stop) -> files.FileChoice:
        choice = choose(paths, limit, stop)
        (tree / "text").unlink()
        (tree / "zeros").unlink()
        os.mkfifo(tree / "zeros")
        os.truncate(tree / "random", PAGE_SIZE + 1)
        return choice

    monkeypatch.setattr(files, "choose", meddle)
    assert main(["demo", str(tree), "--backing", str(scratch)]) == 0
    shown = capsys.readouterr().out
    assert "2 unreadable" in shown
    assert "3 of 3 pages" in shown
