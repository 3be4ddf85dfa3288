"""The page about the library keeps its promises: its programs run one after the other and print what it says."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "library.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```\n```text\n(.*?)```\n", PAGE, re.DOTALL)


def test_every_program_says_what_it_prints() -> None:
    assert len(PROGRAMS) == PAGE.count("```python") >= 7


def test_the_programs_print_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for number, (source, output) in enumerate(PROGRAMS):
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compile(source, f"program {number}", "exec"), names)
        assert printed.getvalue() == output, f"program {number}"
    assert [path.name for path in tmp_path.iterdir()] == ["pages.img"]
