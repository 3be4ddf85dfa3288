"""Fixtures of the tests of commands: something to store, somewhere to put it, and that nothing stays."""

import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from zram_impl.units import PAGE_SIZE


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A directory for backing files."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def nothing_stays(scratch: Path) -> Iterator[None]:
    descriptors = set(os.listdir("/proc/self/fd"))
    yield
    assert list(scratch.iterdir()) == []
    assert set(os.listdir("/proc/self/fd")) <= descriptors
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("zram")] == []


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Text, random bytes, zeros, an empty file, part of a page, a loop of links and a pipe."""
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "text").write_bytes(b"a page of words, again and again; " * 2000)
    (folder / "random").write_bytes(random.Random(1).randbytes(20 * PAGE_SIZE))
    (folder / "zeros").write_bytes(bytes(5 * PAGE_SIZE))
    (folder / "empty").write_bytes(b"")
    (folder / "part").write_bytes(b"x")
    (folder / "loop").symlink_to("loop")
    (folder / "back").symlink_to(".")
    os.mkfifo(folder / "pipe")
    return folder
