"""The front page keeps its promises: its program runs and prints what it says, its commands and links exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")

# A block, and the block of text that follows it at once: what it prints.
BLOCK = re.compile(r"```(python|console)\n(.*?)```\n(?:```text\n(.*?)```\n)?", re.DOTALL)
COMMAND = re.compile(r"^\$ python -m ([\w.]+)((?: [a-z]\S*)?)", re.MULTILINE)


def blocks(kind: str) -> list[tuple[str, str]]:
    """Source and output of the blocks of one kind."""
    return [(source, output) for found, source, output in BLOCK.findall(README) if found == kind]


def commands() -> list[list[str]]:
    """The modules to run and their subcommands, of all pages, each once."""
    texts = [(ROOT / page).read_text(encoding="utf-8") for page in PAGES]
    named = dict.fromkeys(found for text in texts for found in COMMAND.findall(text))
    return [[module, *rest.split()] for module, rest in named]


def test_there_is_one_program_of_ten_lines() -> None:
    ((source, _),) = blocks("python")
    assert len(source.splitlines()) <= 12


def test_the_program_prints_what_the_page_says(tmp_path: Path) -> None:
    ((source, output),) = blocks("python")
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", source],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr, run.stdout) == (0, "", output)
    assert list(tmp_path.iterdir()) == []


def test_the_token_plays_as_the_page_shows() -> None:
    ((source, output),) = [block for block in blocks("console") if "stateful replay" in block[0]]
    run = subprocess.run(
        [sys.executable, *source.removeprefix("$ python").split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (1, "")
    assert [line.rstrip() for line in run.stdout.splitlines()] == output.splitlines()


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-m", *command, "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_targets_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {
        name for page in PAGES for name in re.findall(r"(?:`|\$ )make (\w+)", (ROOT / page).read_text(encoding="utf-8"))
    }
    assert {"check", "test"} <= named
    assert {name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()
