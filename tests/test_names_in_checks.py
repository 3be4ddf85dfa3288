"""Every name in the configuration of a check matches something: one that does not makes the check pass for ever."""

import re
import tomllib
from collections.abc import Callable, Iterator
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

import pytest

from tests.test_tidy import FILES, MODULES, read

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATION = tomllib.loads(read("pyproject.toml"))
COMMANDS = "\n".join(read(name) for name in FILES if name in {"Makefile", ".ci/run"} or name.startswith(".github/"))
# What an environment of its own has, as that of a release.
GROUPS = {
    re.split(r"[^\w-]", each)[0]
    for group in CONFIGURATION["dependency-groups"].values()
    for each in group
    if isinstance(each, str)
}
OURS = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in MODULES}

Table = dict[str, object]


def table(parent: object, *keys: str) -> Table:
    """A table of the configuration, by its path; that it is there is part of the check."""
    for key in keys:
        assert isinstance(parent, dict), f"{key} is in no table"
        parent = parent[key]
    assert isinstance(parent, dict)
    return parent


def names(parent: Table, key: str) -> list[str]:
    """A list of texts of the configuration."""
    value = parent.get(key, [])
    assert isinstance(value, list)
    return [str(each) for each in value]


def contracts(configuration: object) -> list[Table]:
    """The import contracts."""
    found = table(configuration, "tool", "importlinter")["contracts"]
    assert isinstance(found, list)
    return found


def unmatched_paths(configuration: object) -> Iterator[str]:
    """Patterns and paths that no file matches."""
    tool = table(configuration, "tool")
    for pattern in table(tool, "ruff", "lint", "per-file-ignores"):
        if not any(PurePosixPath(name).match(pattern.replace("**", "*")) or _under(name, pattern) for name in FILES):
            yield pattern
    sdist = names(table(tool, "hatch", "build", "targets", "sdist"), "include")
    wheel = names(table(tool, "hatch", "build", "targets", "wheel"), "packages")
    source = names(table(tool, "coverage", "run"), "source")
    for path in (*[each.lstrip("/") for each in sdist], *wheel, *source):
        if not any(name == path or name.startswith(f"{path}/") for name in FILES):
            yield path


def _under(name: str, pattern: str) -> bool:
    return pattern.endswith("/**") and name.startswith(pattern.removesuffix("**"))


def unmatched_modules(configuration: object) -> Iterator[str]:
    """Modules in import contracts that are neither ours nor installed."""
    for contract in contracts(configuration):
        named = [*names(contract, "source_modules"), *names(contract, "ancestors"), *names(contract, "containers")]
        yield from (name for name in named if name not in OURS)
        for name in names(contract, "forbidden_modules"):
            if name not in OURS and find_spec(name) is None:
                yield name
        for container in names(contract, "containers"):
            layers = [part for layer in names(contract, "layers") for part in re.split(r" [|:] ", layer)]
            yield from (f"{container}.{part}" for part in layers if f"{container}.{part}" not in OURS)


def loose_layers(configuration: object) -> Iterator[str]:
    """Layer contracts that let a module escape: not exhaustive, or with a layer that may be absent."""
    for contract in contracts(configuration):
        if contract["type"] == "layers" and not (
            contract.get("exhaustive") is True and "(" not in "".join(names(contract, "layers"))
        ):
            yield str(contract["name"])


def unmatched_programs(commands: str) -> Iterator[str]:
    """Modules that a command runs and paths that it names, where there is no such thing."""
    for name in re.findall(r"python -m ([a-z_.]+)", commands):
        if not {f"{name}.__main__", name} & OURS and name not in GROUPS and find_spec(name) is None:
            yield name
    for path in re.findall(r"(?<![\w./-])((?:tests|stateful|spec|zram_impl|docs)/[\w./-]*[\w/])", commands):
        if not (ROOT / path).exists():
            yield path


def with_another(change: Callable[[Table], None]) -> Table:
    """The configuration with a change, to see that a check notices."""
    changed = deepcopy(CONFIGURATION)
    change(changed)
    return changed


def test_every_name_in_the_configuration_matches() -> None:
    found = [*unmatched_paths(CONFIGURATION), *unmatched_modules(CONFIGURATION), *loose_layers(CONFIGURATION)]
    assert found == []


def test_every_program_in_a_workflow_exists() -> None:
    assert "python -m stateful" in COMMANDS
    assert list(unmatched_programs(COMMANDS)) == []


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (("tool", "hatch", "build", "targets", "sdist"), "include"),
        (("tool", "hatch", "build", "targets", "wheel"), "packages"),
        (("tool", "coverage", "run"), "source"),
    ],
)
def test_a_path_that_is_absent_is_noticed(path: tuple[str, ...], key: str) -> None:
    changed = with_another(lambda it: table(it, *path).update({key: ["spec", "absent"]}))
    assert list(unmatched_paths(changed)) == ["absent"]


@pytest.mark.parametrize("pattern", ["spec/walk.py", "absent/**", "**/absent.py"])
def test_a_pattern_that_matches_nothing_is_noticed(pattern: str) -> None:
    changed = with_another(lambda it: table(it, "tool", "ruff", "lint", "per-file-ignores").update({pattern: ["T20"]}))
    assert list(unmatched_paths(changed)) == [pattern]


@pytest.mark.parametrize(
    ("key", "value", "noticed"),
    [
        ("source_modules", "spec.walk", "spec.walk"),
        ("forbidden_modules", "bench", "bench"),
        ("ancestors", "absent", "absent"),
        ("containers", "spec.absent", "spec.absent"),
    ],
)
def test_a_module_that_is_absent_is_noticed(key: str, value: str, noticed: str) -> None:
    changed = with_another(lambda it: contracts(it).append({"type": "forbidden", key: [value]}))
    assert list(unmatched_modules(changed)) == [noticed]


@pytest.mark.parametrize("layer", ["(model)", "model | (absent)"])
def test_a_layer_that_may_be_absent_is_noticed(layer: str) -> None:
    loose = {"name": "loose", "type": "layers", "containers": ["spec"], "exhaustive": True, "layers": [layer]}
    assert list(loose_layers(with_another(lambda it: contracts(it).append(loose)))) == ["loose"]


def test_a_layer_that_is_absent_is_noticed() -> None:
    layers: Table = {"name": "absent", "type": "layers", "containers": ["spec"], "layers": ["model | walk"]}
    changed = with_another(lambda it: contracts(it).append(layers))
    assert list(unmatched_modules(changed)) == ["spec.walk"]
    assert list(loose_layers(changed)) == ["absent"]


def test_a_program_that_is_absent_is_noticed() -> None:
    commands = "python -m spec.walk && python -m pytest tests/absent.py tests/spec"
    assert list(unmatched_programs(commands)) == ["spec.walk", "tests/absent.py"]
