"""Every test of backing files has a path for one, and leaves nothing open."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.impl.backing_files import open_descriptors


@pytest.fixture(autouse=True)
def nothing_stays_open() -> Iterator[None]:
    before = open_descriptors()
    yield
    assert open_descriptors() <= before


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pages.img"
