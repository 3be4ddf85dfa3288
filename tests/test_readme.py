"""The front page is short and true: its program and its counterexample run, its commands and links exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
VERIFICATION = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
PAGES = (
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md"),
    *("docs/glossary.md", "docs/map.md", "docs/measured.md", "docs/verification.md"),
)
WORDS_MAX = 900

# A block, and the block of text that follows it at once: what it prints.
BLOCK = re.compile(r"```(python|console)\n(.*?)```\n(?:```text\n(.*?)```\n)?", re.DOTALL)
COMMAND = re.compile(r"^\$ python -m ([\w.]+)((?: [a-z]\S*)?)", re.MULTILINE)


def blocks(kind: str, page: str = README) -> list[tuple[str, str]]:
    """Return source and output of the blocks of one kind."""
    return [(source, output) for found, source, output in BLOCK.findall(page) if found == kind]


def run_block(page: str, wanted: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the one command of a page that has something in it; return what it did and the output that the page shows."""
    ((source, output),) = [block for block in blocks("console", page) if wanted in block[0]]
    command = [sys.executable, *source.removeprefix("$ python").split()]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False), output.splitlines()


def commands() -> list[list[str]]:
    """Return the modules to run and their subcommands, of all pages, each once."""
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


def test_the_counterexample_is_the_one_that_is_found() -> None:
    run, shown = run_block(README, "spec.explore")
    assert run.returncode == 1
    found = [line.rstrip() for line in run.stdout.splitlines()]
    # The row of the table has the time that it took.
    timed = [number for number, (a, b) in enumerate(zip(found, shown, strict=True)) if a != b]
    assert timed in ([], [1])
    assert [re.sub(r"\d\.\d", "t", line) for line in found] == [re.sub(r"\d\.\d", "t", line) for line in shown]


def test_the_token_plays_as_the_page_shows() -> None:
    run, shown = run_block(VERIFICATION, "stateful replay")
    assert (run.returncode, run.stderr) == (1, "")
    assert [line.rstrip() for line in run.stdout.splitlines()] == shown


def test_the_front_page_is_short() -> None:
    assert len(README.split()) <= WORDS_MAX


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-m", *command, "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    targets = re.findall(r"\]\(([^)#:]*)(?:#([\w-]+))?\)", (ROOT / page).read_text(encoding="utf-8"))
    assert [place for place, heading in targets if not leads_somewhere(ROOT / page, place, heading)] == []


def leads_somewhere(page: Path, place: str, heading: str) -> bool:
    """Return whether a file is there and has a heading, written as GitHub writes links to it."""
    target = page.parent / place if place else page
    if not heading or not target.exists():
        return target.exists()
    titles = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
    return heading in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


def test_targets_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {
        name for page in PAGES for name in re.findall(r"(?:`|\$ )make (\w+)", (ROOT / page).read_text(encoding="utf-8"))
    }
    assert {"check", "test"} <= named
    assert {name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()
