"""Style as a test, so that no reviewer has to remember it."""

import ast
import io
import re
import statistics
import subprocess
import sys
import tokenize
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import pytest

pytestmark = pytest.mark.usefixtures("unmeasured")  # nothing that is measured is called

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("spec", "zram_impl", "stateful", "tests")
# Made on the spot rather than kept: only looked at where git cannot say what belongs to the project.
GENERATED = {".git", ".venv", ".hypothesis", "__pycache__", "build", "dist", "htmlcov"}

FILE_LINES_MAX = 400
MEDIAN_LINES_MAX = 150
CORE_CODE_LINES_MAX = 500
MODULES_OF_A_FOLDER_MAX = 24
CORE = {
    f"spec/model/{name}.py"
    for name in (
        *("__init__", "terms", "tables", "state", "transitions", "user", "writeback", "backing_device", "actions"),
        *("invariant", "properties"),
    )
}
BANNED_NAMES = re.compile(r"(?:^|_)(?:util|helper|manager|handler)s?(?:_|$)")
# In pieces, so that this file does not match what it looks for.
MACHINE_PATH = re.compile(r"(?<![\w.-])/(?:" + "|".join(("work", "root", "home")) + ")/")
UNFINISHED = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b")
PIN = re.compile(r"[A-Za-z0-9][\w.-]*==\w[\w.!+-]*(?: ; .+)?")


def files() -> list[str]:
    """Paths from the root of everything that belongs to the project, whether or not it is committed yet."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        found = []
    if "tests/test_tidy.py" in found:
        return sorted(name for name in set(found) if (ROOT / name).is_file())
    # An unpacked source distribution, perhaps inside somebody else's repository that ignores it.
    paths = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return sorted(str(path) for path in paths if not is_generated(path))


def is_generated(path: Path) -> bool:
    """Return whether a path lies in a cache or in the output of a build."""
    return any(part in GENERATED or part.endswith(("_cache", ".egg-info")) for part in path.parts)


FILES = files()
MODULES = [name for name in FILES if name.endswith(".py")]


def read(name: str) -> str:
    """The text of a module of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def texts() -> Iterator[tuple[str, str]]:
    """Name and content of every file that is text."""
    for name in FILES:
        try:
            yield name, (ROOT / name).read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue


def offending_lines(pattern: re.Pattern[str], sources: Iterable[tuple[str, str]]) -> list[str]:
    """Places of a pattern, as `file:line: text`."""
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in sources
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def code_lines(source: str) -> int:
    """Number of lines that carry code: neither blank, nor comment, nor a string that stands alone as documentation."""
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in silent:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def imported_packages(name: str) -> Iterator[str]:
    """The top-level names a module imports; a relative import is resolved from where the module lies."""
    package = PurePosixPath(name).parent.parts
    for node in ast.walk(ast.parse(read(name))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - (node.level - 1)]
            yield above[0] if above else f"above {package[0]}"


def foreign_imports(names: Iterable[str], allowed: Iterable[str]) -> list[str]:
    """Modules that import what is neither in the standard library nor allowed."""
    known = sys.stdlib_module_names | set(allowed)
    return [f"{name} imports {other}" for name in names for other in imported_packages(name) if other not in known]


def test_the_files_of_the_project_are_listed() -> None:
    assert "tests/test_tidy.py" in MODULES
    assert {"pyproject.toml", "constraints.txt", "spec/__init__.py", "zram_impl/py.typed"} <= set(FILES)


def test_no_file_is_long() -> None:
    lengths = {name: len(read(name).splitlines()) for name in MODULES}
    assert {name: length for name, length in lengths.items() if length > FILE_LINES_MAX} == {}


def test_the_median_file_of_each_package_is_short() -> None:
    lengths: defaultdict[str, list[int]] = defaultdict(list)
    for name in MODULES:
        lengths[PurePosixPath(name).parts[0]].append(len(read(name).splitlines()))
    medians = {package: statistics.median(lengths[package]) for package in PACKAGES}
    assert {package: median for package, median in medians.items() if median >= MEDIAN_LINES_MAX} == {}


def test_the_core_of_the_specification_is_short() -> None:
    assert {name for name in MODULES if name.startswith("spec/model/")} == CORE
    # Arithmetic without branches is how the model is written, not what it says.
    lengths = {name: code_lines(read(name)) for name in CORE - {"spec/model/terms.py"}}
    assert sum(lengths.values()) <= CORE_CODE_LINES_MAX, lengths


def test_no_folder_holds_too_many_modules() -> None:
    folders = Counter(str(PurePosixPath(name).parent) for name in MODULES if not name.startswith(("tests/", "docs/")))
    assert {folder: count for folder, count in folders.items() if count > MODULES_OF_A_FOLDER_MAX} == {}


def test_the_specification_needs_only_the_standard_library() -> None:
    specification = [name for name in MODULES if name.startswith("spec/")]
    provers = [name for name in specification if name.startswith(("spec/prove/", "spec/mutate/"))]
    plain = [name for name in specification if name not in provers]
    assert {"spec/prove/command.py", "spec/mutate/kill.py"} < set(provers)
    assert "spec/explore/bfs.py" in plain
    assert foreign_imports(plain, {"spec"}) == []
    assert foreign_imports(provers, {"spec", "z3", "crosshair"}) == []


def test_the_device_needs_only_what_its_wheel_declares() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    requirements = project["dependencies"] + [r for extra in project["optional-dependencies"].values() for r in extra]
    declared = {re.split(r"[^\w-]", requirement)[0].replace("-", "_") for requirement in requirements}
    device = [name for name in MODULES if name.startswith("zram_impl/")]
    # Type checkers bring `_typeshed` with them; nothing imports it when it runs.
    assert foreign_imports(device, {"zram_impl", "_typeshed", *declared}) == []


def test_a_file_name_says_the_job() -> None:
    parts = {name: [part.partition(".")[0] for part in PurePosixPath(name).parts] for name in MODULES}
    assert [name for name in MODULES if any(BANNED_NAMES.search(part) for part in parts[name])] == []


def test_every_module_has_a_docstring() -> None:
    assert [name for name in MODULES if not ast.get_docstring(ast.parse(read(name)))] == []


def test_nothing_names_a_path_of_one_machine() -> None:
    assert offending_lines(MACHINE_PATH, texts()) == []


def test_nothing_is_marked_unfinished() -> None:
    # Recorded data is as it was recorded.
    sources = [(name, text) for name, text in texts() if not name.startswith("tests/data/")]
    assert offending_lines(UNFINISHED, sources) == []


def test_constraints_are_plain_sorted_pins() -> None:
    pins = read("constraints.txt").splitlines()
    assert [pin for pin in pins if not PIN.fullmatch(pin) or "://" in pin] == []
    names = [pin.partition("==")[0].lower() for pin in pins]
    assert names == sorted(set(names))


LOOPS = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp)


def under(statements: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield what is executed within statements: not the bodies of functions defined there, nor generators."""
    for node in statements:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.GeneratorExp):
            yield from under(ast.iter_child_nodes(node))


def loops_under_locks(source: str) -> list[int]:
    """The lines of loops inside `with LOCK:`; what is no lock is made by a call."""
    held = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.With) and any(not isinstance(item.context_expr, ast.Call) for item in node.items)
    ]
    return sorted({loop.lineno for each in held for loop in under(each.body) if isinstance(loop, LOOPS)})


def test_no_loop_lies_within_a_lock() -> None:
    # In Python 3.13 an exception of a signal handler at the jump back of such a loop leaves the lock taken.
    device = {name: loops_under_locks(read(name)) for name in MODULES if name.startswith("zram_impl/")}
    assert {name: lines for name, lines in device.items() if lines} == {}


@pytest.mark.parametrize("body", ["for i in x:\n  f(i)", "x = [f(i) for i in y]", "while x:\n  f()"])
def test_a_loop_within_a_lock_is_noticed(body: str) -> None:
    indented = "\n".join(f"  {line}" for line in body.splitlines())
    assert loops_under_locks(f"with self._lock:\n{indented}") == [2]
    assert loops_under_locks(f"with open(x):\n{indented}") == []
    assert loops_under_locks("with self._lock:\n  x = any(i for i in y)") == []
