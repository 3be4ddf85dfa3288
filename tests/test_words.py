"""The words of the guide: none of the avoided ones, names that say one thing, test names that fit on a line."""

import ast
import functools
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.unmeasured import nothing_measured

pytestmark = pytest.mark.usefixtures("unmeasured")  # nothing that is measured is called

ROOT = Path(__file__).resolve().parents[1]
TEST_NAME_MAX = 60

AVOIDED = {
    "told": "told",
    "come to, come of": "(?:come|comes|came|coming) (?:to|of)",
    "let go": "(?:let|lets|letting) go",
    "go on": "(?:go|goes|going|gone|went) on",
    "put back": "(?:put|puts|putting) back",
    "in vain": "in vain",
    "is none": "(?:is|are|was|were|be|been|being|has|have|had|having) none(?! of)",
    "meanwhile": "meanwhile",
    "whoever": "whoever",
    "BROKEN": "BROKEN",
    "all is well": "all is well",
    "NOT PROVED": "NOT PROVED",
    "DIFFERENT COUNTS": "DIFFERENT COUNTS",
}
# In capitals these are something else: the constant None, a verdict.
EXACT = {"is none", "BROKEN", "NOT PROVED", "DIFFERENT COUNTS"}
# A phrase may be broken across lines, and across the signs of a comment or a string.
PATTERNS = {
    word: re.compile(r"\b" + pattern.replace(" ", r"[\s#\"|]+") + r"\b", re.NOFLAG if word in EXACT else re.IGNORECASE)
    for word, pattern in AVOIDED.items()
}
OPENING = re.compile(r"(?:What|Whether|Who|Whom|Whose|How|When|Where|Why|Which)(?:ever)?\b")
BODIES = frozenset({"body", "orelse", "finalbody", "handlers", "cases"})
# Names that are owed: of the trace format, of results.
OWED = {"in_vain", "recompress_in_vain"}
# Classes of the specification and of the device that are the same thing on both sides.
SHARED = {"Budget", "Completion", "SlotTable"}


@functools.cache
def files() -> dict[str, str]:
    """Return the text of every file that people wrote: no recordings, nothing generated outside of docs."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.split("\0")
    names = [name for name in sorted(set(listed)) if name and (ROOT / name).is_file()]
    written = [name for name in names if not name.startswith("tests/data/") or name.endswith(".md")]
    written = [name for name in written if not name.endswith(".png")]
    written.remove("tests/test_words.py")
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in written}


class Said(NamedTuple):
    """A statement that says something: a string on its own, the head of a function or of a class."""

    kind: type[ast.stmt]
    line: int
    text: str


def statements(nodes: Iterable[ast.AST]) -> Iterator[Said]:
    """Yield what is said; of a statement only the statements in it are looked at, no expressions."""
    for node in nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield Said(ast.Expr, node.lineno, str(node.value.value))
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield Said(type(node), node.lineno, node.name)
        for field in BODIES.intersection(node._fields):
            yield from statements(getattr(node, field))


@pytest.fixture(scope="module")
def said() -> dict[str, list[Said]]:
    """What every module says; not their trees, which are millions of objects for a collection of garbage to look at."""
    with nothing_measured():
        return {name: list(statements([ast.parse(text)])) for name, text in files().items() if name.endswith(".py")}


Place = tuple[str, int, str]
"""A file, a line, and what is there."""


def words(pattern: re.Pattern[str], texts: dict[str, str]) -> Iterator[Place]:
    """Find a word wherever it stands."""
    for name, text in texts.items():
        for found in pattern.finditer(text):
            line = text.count("\n", 0, found.start())
            yield name, line + 1, text.splitlines()[line].strip()[:100]


def openings(said: dict[str, list[Said]]) -> Iterator[Place]:
    """Find docstrings that begin with a question word."""
    for name, each in of_kind(ast.Expr, said):
        if OPENING.match(each.text):
            yield name, each.line, each.text.splitlines()[0][:100]


def long_test_names(said: dict[str, list[Said]]) -> Iterator[Place]:
    """Find tests whose names are too long."""
    for name, each in of_kind(ast.FunctionDef, said):
        if each.text.startswith("test_") and len(each.text) > TEST_NAME_MAX:
            yield name, each.line, each.text


def avoided_names(said: dict[str, list[Said]]) -> Iterator[Place]:
    """Find functions whose names have a word that is avoided: to a pattern an underscore is no end of a word."""
    for name, each in of_kind(ast.FunctionDef, said):
        text = each.text.replace("_", " ")
        if each.text not in OWED and any(find.search(text) for find in PATTERNS.values()):
            yield name, each.line, each.text


def repeated_classes(said: dict[str, list[Said]]) -> Iterator[Place]:
    """Find classes whose names another class outside the tests has as well."""
    classes: defaultdict[str, list[Place]] = defaultdict(list)
    for name, each in of_kind(ast.ClassDef, said):
        if not name.startswith("tests/"):
            classes[each.text].append((name, each.line, f"class {each.text}"))
    for title, places in classes.items():
        if len(places) > 1 and (title not in SHARED or len(places) > 2):
            yield from places


def of_kind(kind: type[ast.stmt], said: dict[str, list[Said]]) -> Iterator[tuple[str, Said]]:
    """Yield what statements of a kind say, with the module."""
    return ((name, each) for name, found in said.items() for each in found if each.kind is kind)


OF_MODULES: dict[str, Callable[[dict[str, list[Said]]], Iterator[Place]]] = {
    "docstring begins with a question word": openings,
    "test name too long": long_test_names,
    "name with an avoided word": avoided_names,
    "class name twice": repeated_classes,
}


@pytest.mark.parametrize("word", AVOIDED)
def test_no_word_is_used_that_the_guide_is_against(word: str) -> None:
    assert list(words(PATTERNS[word], files())) == []


@pytest.mark.parametrize("what", OF_MODULES)
def test_the_guide_is_followed(what: str, said: dict[str, list[Said]]) -> None:
    assert list(OF_MODULES[what](said)) == []


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("told", "He was told."),
        ("come to, come of", '"what came "\n    "of it"'),
        ("go on", "# it goes\n# on with the next"),
        ("in vain", "in vain"),
        ("is none", "what is none"),
        ("all is well", "All is well"),
    ],
)
def test_an_avoided_word_is_found_wherever_it_stands(word: str, text: str) -> None:
    assert [line for _, line, _ in words(PATTERNS[word], {"x": text})] == [1]
    allowed = {"x": "recompress_in_vain, none of them, broken, a tolder, goes onto, become of"}
    assert list(words(PATTERNS[word], allowed)) == []


def test_what_is_wrong_with_a_module_is_found() -> None:
    long = "test_" + "x" * TEST_NAME_MAX
    source = f'"""What is here."""\nclass A: ...\nif 1:\n    def {long}():\n        """Who."""\n'
    tree = list(statements([ast.parse(source)]))
    assert [line for _, line, _ in openings({"a.py": tree})] == [1, 5]
    assert [what for *_, what in long_test_names({"a.py": tree})] == [long]
    told = {
        "a.py": list(
            statements([ast.parse("def test_it_is_told(): ...\ndef test_a_tolder_is(): ...\ndef told(): ...")])
        )
    }
    assert [what for *_, what in avoided_names(told)] == ["test_it_is_told", "told"]
    assert list(repeated_classes({"a.py": tree, "tests/a.py": tree})) == []
    assert [name for name, *_ in repeated_classes({"a.py": tree, "b.py": tree})] == ["a.py", "b.py"]
