"""The page about a device of one's own, done as it says in an empty folder: ten commands, each with what it prints."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples.naive_store.bugs import BUGS
from stateful.seam import CAPABILITIES
from tests.examples.test_naive_store import FOUND

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "how-to-your-device.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(python|console)\n(.*?)```\n(?:```text\n(.*?)```\n)?", re.DOTALL)
INSTALLED = "HOW_TO_INSTALL" in os.environ
"""True: the environment is made as the page says, which takes the network; so it is every night."""
RED = 1
REFUSED = 2


def expected_code(output: str) -> int:
    """Return the exit code of a command that prints this."""
    return REFUSED if output.startswith("error: ") else RED if "FAILED" in output else 0


def run_line(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CHECKOUT": str(ROOT), "COLUMNS": "120"}
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def install(folder: Path) -> None:
    """Give the page the environment of the tests, which is such an editable installation."""
    (folder / ".venv" / "bin").mkdir(parents=True)
    program = folder / ".venv" / "bin" / "python"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)


def test_ten_commands_of_the_page_print_what_it_says(tmp_path: Path) -> None:
    done = 0
    for kind, source, output in BLOCK.findall(PAGE):
        if kind == "python":
            with (tmp_path / "store.py").open("a", encoding="utf-8") as file:
                file.write(source.partition("\n")[2])
            continue
        lines = [line.removeprefix("$ ") for line in source.splitlines()]
        for number, line in enumerate(lines):
            done += 1
            if done <= 2 and not INSTALLED:
                assert line.startswith(("python3 -m venv .venv", ".venv/bin/python -m pip install"))
                if done == 2:
                    install(tmp_path)
                continue
            ran = run_line(line, tmp_path)
            shown = output if number == len(lines) - 1 else ""
            assert ran.returncode == expected_code(shown), f"{line}\n{ran.stdout}{ran.stderr}"
            printed = [each.rstrip() for each in (ran.stdout + ran.stderr).splitlines()]
            assert [each for each in shown.splitlines() if each.rstrip() not in printed] == [], line
    assert done <= 10


def test_every_capability_and_every_bug_is_on_the_page() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert set(CAPABILITIES) <= named
    rows = dict(re.findall(r"^\| `(\w+)`: .* \| ([\w, -]+) \|$", PAGE, re.MULTILINE))
    assert {bug: set(layers.replace("-", "_").split(", ")) for bug, layers in rows.items()} == FOUND
    assert set(BUGS) == set(FOUND)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", PAGE))))
def test_its_links_lead_somewhere(target: str) -> None:
    assert (ROOT / "docs" / target).exists()
