"""The words of the guide: none of the avoided ones, names that say one thing, test names that fit on a line.

`python tests/test_words.py [AREA]` lists what is left, place by place.
"""

import ast
import functools
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

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
}
# In capitals these are something else: the constant None, a verdict.
EXACT = {"is none", "BROKEN"}
# A phrase may be broken across lines, and across the signs of a comment or a string.
PATTERNS = {
    word: re.compile(r"\b" + pattern.replace(" ", r"[\s#\"|]+") + r"\b", re.NOFLAG if word in EXACT else re.IGNORECASE)
    for word, pattern in AVOIDED.items()
}
OPENING = re.compile(r"(?:What|Whether|Who|Whom|Whose)(?:ever)?\b")
# Classes of the specification and of the device that are the same thing on both sides.
SHARED = {"Budget", "Completion", "SlotTable"}

# The longest prefix decides; what no prefix names is of the first area.
AREAS = {
    "": "front",
    **dict.fromkeys(("spec/", "tests/spec/", "docs/proofs.md", "docs/all-sizes.md", "docs/second-model.md"), "spec"),
    **dict.fromkeys(("docs/draw_tables.py", "docs/draw_mutants.py"), "spec"),
    **dict.fromkeys(("docs/generated/state-machine.md", "docs/generated/mutation.md"), "spec"),
    **dict.fromkeys(("zram_impl/", "tests/impl/", "tests/cli/", "docs/library.md", "stubs/"), "impl"),
    **dict.fromkeys(("stateful/", "tests/stateful/", "tests/kernel/", "tests/data/", "docs/"), "cmds"),
    **{
        f"{where}stateful/{folder}/": "sched"
        for where in ("", "tests/")
        for folder in ("bugs", "schedules", "interrupts", "guards", "pairs", "stress", "fuzzing", "mutate")
    },
    **dict.fromkeys(("docs/schedules.md", "docs/draw_guards.py", "docs/draw_bugs.py"), "sched"),
    **dict.fromkeys(("docs/generated/guards.md", "docs/generated/bugs.md"), "sched"),
    **dict.fromkeys(("docs/generated/device-mutation.md",), "sched"),
    **dict.fromkeys(("docs/glossary.md", "docs/map.md", "docs/verification.md"), "front"),
}


def area(name: str) -> str:
    """Return the area that a file belongs to."""
    return AREAS[max((prefix for prefix in AREAS if name.startswith(prefix)), key=len)]


def files() -> dict[str, str]:
    """Return the text of every file that people wrote: no recordings, nothing generated outside of docs."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.split("\0")
    names = [name for name in sorted(set(listed)) if name and (ROOT / name).is_file()]
    written = [name for name in names if not name.startswith("tests/data/") or name.endswith(".md")]
    written.remove("tests/test_words.py")
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in written}


FILES = files()
TREES = {name: ast.parse(text) for name, text in FILES.items() if name.endswith(".py")}

Place = tuple[str, int, str]
"""A file, a line, and what is there."""


def words(pattern: re.Pattern[str], texts: dict[str, str]) -> Iterator[Place]:
    """Find a word wherever it stands."""
    for name, text in texts.items():
        for found in pattern.finditer(text):
            line = text.count("\n", 0, found.start())
            yield name, line + 1, text.splitlines()[line].strip()[:100]


def openings(trees: dict[str, ast.Module]) -> Iterator[Place]:
    """Find docstrings that begin with a question word."""
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                text = str(node.value.value)
                if OPENING.match(text):
                    yield name, node.lineno, text.splitlines()[0][:100]


def long_test_names(trees: dict[str, ast.Module]) -> Iterator[Place]:
    """Find tests whose names are too long."""
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and len(node.name) > TEST_NAME_MAX:
                yield name, node.lineno, node.name


def repeated_classes(trees: dict[str, ast.Module]) -> Iterator[Place]:
    """Find classes whose names another class outside the tests has as well."""
    classes: defaultdict[str, list[Place]] = defaultdict(list)
    for name, tree in trees.items():
        if not name.startswith("tests/"):
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    classes[node.name].append((name, node.lineno, f"class {node.name}"))
    for title, places in classes.items():
        if len(places) > 1 and (title not in SHARED or len(places) > 2):
            yield from places


@functools.cache
def everything() -> dict[str, list[Place]]:
    """Return all that the guide is against, by its name there."""
    found = {word: list(words(pattern, FILES)) for word, pattern in PATTERNS.items()}
    found["docstring begins with a question word"] = list(openings(TREES))
    found["test name too long"] = list(long_test_names(TREES))
    found["class name twice"] = list(repeated_classes(TREES))
    return found


def counts(found: dict[str, list[Place]]) -> dict[str, dict[str, int]]:
    """Return how many there are of each, by area."""
    return {what: dict(sorted(Counter(area(name) for name, *_ in places).items())) for what, places in found.items()}


LEFT: dict[str, dict[str, int]] = {
    "told": {"impl": 28, "spec": 28},
    "come to, come of": {"impl": 7, "sched": 1, "spec": 33},
    "let go": {"impl": 1},
    "go on": {"impl": 4, "spec": 2},
    "put back": {"spec": 24},
    "in vain": {"spec": 4},
    "is none": {"impl": 5, "spec": 11},
    "meanwhile": {"impl": 19, "spec": 8},
    "whoever": {"impl": 5, "spec": 1},
    "BROKEN": {"front": 1, "spec": 11},
    "all is well": {"spec": 1},
    "docstring begins with a question word": {"impl": 24, "spec": 51},
    "test name too long": {"impl": 146},
    "class name twice": {"impl": 2, "spec": 2},
}
"""How many there may be, at most, while they are being taken out."""


@pytest.mark.parametrize("what", everything())
def test_no_area_has_more_than_before(what: str) -> None:
    found = everything()[what]
    before = LEFT.get(what, {})
    grown = {name for name, number in counts({what: found})[what].items() if number > before.get(name, 0)}
    assert [place for place in found if area(place[0]) in grown] == []


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


def test_what_is_wrong_with_a_tree_is_found() -> None:
    long = "test_" + "x" * TEST_NAME_MAX
    tree = ast.parse(f'"""What is here."""\nclass A: ...\ndef {long}():\n    """Who."""\n')
    assert [line for _, line, _ in openings({"a.py": tree})] == [1, 4]
    assert [what for *_, what in long_test_names({"a.py": tree})] == [long]
    assert list(repeated_classes({"a.py": tree, "tests/a.py": tree})) == []
    assert [name for name, *_ in repeated_classes({"a.py": tree, "b.py": tree})] == ["a.py", "b.py"]


def lines(asked: Iterable[str]) -> Iterator[str]:
    """Return what is left in some areas, as text."""
    found = everything()
    for what, places in found.items():
        for name, line, text in places:
            if area(name) in asked:
                yield f"{name}:{line}: {what}: {text}\n"
    for what, numbers in counts(found).items():
        yield f"{what}: {numbers}\n"


if __name__ == "__main__":
    sys.stdout.writelines(lines(sys.argv[1:] or set(AREAS.values())))
