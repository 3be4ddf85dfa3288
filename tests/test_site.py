"""The documentation as a site: links lead somewhere, every page is in the menu, the tutorial does what it says."""

import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from docs import site
from tests import test_manners

ROOT = Path(__file__).resolve().parents[1]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```console\n(.*?)```\n(?:```text\n(.*?)```\n)?", re.DOTALL)
SOURCES = {
    "README.md": "index.md",
    "docs/map.md": "map.md",
    "docs/generated/bugs.md": "generated/bugs.md",
    "docs/images/a.svg": "images/a.svg",
}


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The pages of the site."""
    return site.pages()


def menu(entry: object) -> list[str]:
    """Return the pages of the menu."""
    if isinstance(entry, str):
        return [entry]
    children = entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else []
    return [page for each in children for page in menu(each)]


def test_every_page_is_once_in_the_menu(pages: dict[str, str]) -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    configuration = yaml.safe_load(re.sub(r"!!python\S+", "x", text))
    assert configuration["docs_dir"] == "build/pages"
    assert sorted(menu(configuration["nav"])) == sorted(pages)


def test_every_link_of_every_page_leads_somewhere(pages: dict[str, str]) -> None:
    assert list(site.broken_links(pages, list(site.places().values()))) == []
    assert sum(len(site.LINK.findall(text)) for text in pages.values()) > 100


@pytest.mark.parametrize(
    "link", ["[a](nowhere.md)", "[a](b.md#nowhere)", "[a](#nowhere)", "[a](x/../../b.md)", "![a](no.svg)"]
)
def test_a_link_that_leads_nowhere_is_noticed(link: str) -> None:
    text = f"# Here\n[b](b.md#there-is-code)\n{link}\n```text\n[no](link.md)\n```\n"
    documents = {"a.md": text, "b.md": "# There is `code`"}
    assert list(site.broken_links(documents)) == [("a.md", link.partition("(")[2].rstrip(")"))]


@pytest.mark.parametrize(
    ("source", "text", "wanted"),
    [
        ("README.md", "[map](docs/map.md#x)", "[map](map.md#x)"),
        ("docs/map.md", "[front](../README.md)", "[front](index.md)"),
        ("docs/generated/bugs.md", "[map](../map.md)", "[map](../map.md)"),
        ("docs/map.md", "[a state](../spec/model/state.py)", "a state (`spec/model/state.py`)"),
        ("docs/map.md", "[`../spec/model/state.py`](../spec/model/state.py)", "`spec/model/state.py`"),
        ("docs/map.md", "[a](#x), [b](https://c)", "[a](#x), [b](https://c)"),
        ("README.md", "![drawn](docs/images/a.svg)", "![drawn](images/a.svg)"),
        ("README.md", "```text\n[map](docs/map.md)\n```", "```text\n[map](docs/map.md)\n```"),
    ],
)
def test_a_link_of_the_repository_becomes_one_of_the_site(source: str, text: str, wanted: str) -> None:
    assert site.rewritten(text, source, SOURCES) == wanted


def test_the_sources_of_the_site_are_laid_down_anew(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "old.md").touch()
    site.main([str(folder)])
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there == set(site.places().values())


COMMAND = re.compile(
    r"^(?:\$ |    )?(?:\S*bin/)?python3? -m (spec\.\S+|(?:stateful|zram_impl) [a-z][\w-]*)(.*)$", re.MULTILINE
)


@pytest.fixture(scope="module")
def options() -> dict[str, set[str]]:
    """The options of every command."""
    return {command: set(parser._option_string_actions) for command, parser in test_manners.every_parser().items()}


def test_every_command_on_a_page_has_the_options_it_shows(pages: dict[str, str], options: dict[str, set[str]]) -> None:
    shown = [
        (place, test_manners.plain(command), rest)
        for place, text in pages.items()
        for fence in site.FENCE.findall(text)
        for command, rest in COMMAND.findall(fence)
    ]
    assert len(shown) > 30
    assert [(place, command) for place, command, _ in shown if command not in options] == []
    unknown = [
        (place, command, option)
        for place, command, rest in shown
        for option in re.findall(r"(?<!\S)--?[a-z][\w-]*", rest.partition("#")[0])
        if option not in options[command]
    ]
    assert unknown == []


def test_everything_the_reference_names_exists() -> None:
    named = re.findall(r"^::: ([\w.]+)$", (ROOT / "docs" / "reference.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(named) >= 8
    for name in named:
        module, _, attribute = name.rpartition(".")
        if not (attribute[0].isupper() and hasattr(import_module(module), attribute)):
            import_module(name)


def test_the_tutorial_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("spec", "stateful", "zram_impl"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    done = 0
    for source, output in BLOCK.findall(TUTORIAL):
        lines = [line.removeprefix("$ ") for line in source.splitlines()]
        done += len(lines)
        ran = subprocess.run(
            ["bash", "-ec", "\n".join(lines)], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert ran.returncode == ("FAILED" in output or "broken" in output), ran.stdout + ran.stderr
        printed = {re.sub(r"\d\.\d", "t", each.rstrip()) for each in ran.stdout.splitlines()}
        shown = [re.sub(r"\d\.\d", "t", each.rstrip()) for each in output.splitlines()]
        assert [each for each in shown if each not in printed] == [], ran.stdout
    assert done == 9
    for name in ("spec/model/tables.py", "zram_impl/decisions.py"):
        assert (tmp_path / name).read_text(encoding="utf-8") == (ROOT / name).read_text(encoding="utf-8"), "mended"
