"""The example of a cache: short, and it sees no ENOMEM."""

import re
from pathlib import Path

import pytest

from examples.page_cache import cache
from tests.test_tidy import code_lines
from zram_impl import PAGE_SIZE

LINES_MOST = 25
FOLDER = Path(cache.__file__).resolve().parents[2] / "zram_impl"


def test_a_cache_is_short() -> None:
    assert code_lines(Path(cache.__file__).read_text(encoding="utf-8")) <= LINES_MOST


def test_it_keeps_within_its_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cache.main(200 * PAGE_SIZE, "64K", str(FOLDER), str(FOLDER.parent / "stateful"))
    printed = capsys.readouterr().out
    assert printed.startswith("200 pages, ")
    assert "refused=0" in printed
    assert re.search(r"^grown by \d+ MiB$", printed, re.MULTILINE)
    assert not list(tmp_path.iterdir())
