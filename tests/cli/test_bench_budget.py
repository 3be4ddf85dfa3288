"""The process that keeps within a budget, here in the process of the test."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from zram_impl.cli.bench import budget
from zram_impl.cli.bench.apart import CORPUS
from zram_impl.cli.corpus import mixed_pages
from zram_impl.units import PAGE_SIZE

PAGES = 2048


def test_pages_are_stored_and_read_within_a_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = io.BytesIO(b"".join(mixed_pages(CORPUS)))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=corpus))
    found = budget._measure(PAGES, PAGES * PAGE_SIZE // 4, str(tmp_path))
    assert (found.pages, found.budget, found.refused) == (PAGES, PAGES * PAGE_SIZE // 4, 0)
    assert found.writes > 0
