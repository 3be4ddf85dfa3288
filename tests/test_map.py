"""The map leads somewhere, and the glossary has one meaning for a word: every path, name and command exists."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAP = (ROOT / "docs" / "map.md").read_text(encoding="utf-8")
SPANS = sorted(set(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", MAP, flags=re.DOTALL))))
QUESTIONS = (
    *("lost claim release its block", "a slot kind", "an attribute", "a fault", "a scenario"),
    *("a finding become a regression", "Fuzz a device of your own"),
)


def names(tree: ast.Module | ast.ClassDef, prefix: str = "") -> set[str]:
    """Return what a module defines: functions, classes, their methods, and names that are assigned."""
    found = set[str]()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(prefix + node.name)
        if isinstance(node, ast.ClassDef):
            found |= names(node, f"{prefix}{node.name}.")
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        found |= {prefix + target.id for target in targets if isinstance(target, ast.Name)}
    return found


def leads_somewhere(span: str) -> bool:
    """Return whether a path, a name in it, a module to run or a target of make exists."""
    if span.startswith("python -m "):
        return importlib.util.find_spec(span.split()[2]) is not None
    if span.startswith("make "):
        return f"\n{span.split()[1]}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    path, _, name = span.partition(":")
    if not name:
        return (ROOT / path).exists()
    return (ROOT / path).is_file() and name in names(ast.parse((ROOT / path).read_text(encoding="utf-8")))


GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
TERMS = [row.split(" | ") for row in re.findall(r"^\| ((?!term |---).+?) *\|$", GLOSSARY, re.MULTILINE)]
# Words that are neither a place nor a command.
OTHERS = {"path:name", "kernel", "./findings", "Zram.create(backing=...)"}


@pytest.mark.parametrize("span", [span for span in SPANS if span not in OTHERS])
def test_a_place_on_the_map_exists(span: str) -> None:
    assert leads_somewhere(span)


def test_every_question_of_a_stranger_is_on_the_map() -> None:
    assert set(SPANS) >= OTHERS
    assert [question for question in QUESTIONS if question not in MAP] == []


@pytest.mark.parametrize(
    "span", ["spec/model/nowhere.py", "spec/model/tables.py:NOTHING", "make nothing", "python -m nowhere"]
)
def test_a_place_that_does_not_exist_is_noticed(span: str) -> None:
    assert not leads_somewhere(span)


def test_the_glossary_has_every_term_once_with_its_meaning() -> None:
    words = [word for row in TERMS for word in row[0].split(", ")]
    assert len(TERMS) > 100
    assert sorted(words) == sorted(set(words))
    assert [row for row in TERMS if not 2 <= len(row) <= 3 or not row[1].strip()] == []


def test_the_places_in_the_recipes_exist() -> None:
    recipes = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    spans = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", recipes, flags=re.DOTALL))
    places = {place for span in spans for place in re.findall(r"(?:spec|stateful|zram_impl|tests)/[\w./:-]+", span)}
    named = re.findall(r"`([\w.]+)`\s(?:in|of)\s`([\w/]+\.py)`", recipes)
    assert len(named) > 10
    assert [(name, path) for name, path in named if not leads_somewhere(f"{path}:{name}")] == []
    assert len(places) > 40
    assert {place for place in places if "NAME" not in place and not leads_somewhere(place)} == set()


def test_the_places_in_the_glossary_exist() -> None:
    places: list[str] = re.findall(r"`((?:spec|stateful|zram_impl|tests)[/.][^`]+)`", GLOSSARY)
    assert places
    assert [span for span in places if not (ROOT / span.replace(".faults", "/faults")).exists()] == []
