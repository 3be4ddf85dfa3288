"""With assertions switched off every command refuses to run, and so does every process it starts.

Five seeded bugs replayed as clean under `python -O`, and a search for bugs ended with 0, because assertions find them
and Python had left those out.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from spec.assertions import SWITCHED_OFF
from spec.processes import runner as runner_of_spec
from spec.processes.runner import ProcessTask
from stateful import command
from tests.refused import raising
from tests.spec.processes import trial_tasks
from tests.test_tidy import MODULES, read
from zram_impl.cli import assertions as of_device

ROOT = Path(__file__).resolve().parent.parent
REFUSAL = f"error: {SWITCHED_OFF}\n"
STATEFUL = [
    ["replay", "1pjsept8pgzd", "--bug", "leak_when_failed_and_lost"],
    ["check"],
    ["bugs"],
    ["mutants", "--schedules"],
    ["conformance", "tests/data/kernel-traces"],
    ["metamorphic"],
    ["schedules"],
    ["fuzz", "--minutes", "0.01"],
    ["campaign", "campaign", "--seeds", "1"],
    ["trace-check", "README.md"],
    ["trace-record", "trace"],
    ["kernel-judge", "README.md"],
    ["api-fuzz"],
    ["inputs"],
    ["interrupts", "--quick"],
    ["mutate", "--sample", "1"],
    ["guards", "--quick"],
    ["machine", "--examples", "1"],
    ["threads", "--seconds", "0.1"],
]
DEVICE = [["demo", "README.md"], ["bench", "--quick"]]
HELPERS = {"zram_impl.cli.bench.budget", "zram_impl.cli.bench.memory", "spec.processes.child"}
"""Processes of a command, which refuses before it starts them."""


def programs() -> list[str]:
    """Return every module that is run as a program."""
    # An example is a program of somebody's own.
    ours = [name for name in MODULES if not name.startswith(("tests/", "examples/"))]
    found = [name for name in ours if '\nif __name__ == "__main__":' in read(name)]
    return [name.removesuffix(".py").removesuffix("/__main__").replace("/", ".") for name in found]


PLAIN = [[name] for name in programs() if name not in {"stateful", "zram_impl", *HELPERS}]
COMMANDS = [*PLAIN, *[["stateful", *each] for each in STATEFUL[:2]], *[["zram_impl", *each] for each in DEVICE]]


def test_every_command_is_tried() -> None:
    of_spec = ("explore", "prove", "prove_sizes", "prove.unbounded", "mutate", "promela")
    assert {f"spec.{name}" for name in of_spec} < {name for [name] in PLAIN}
    (commands,) = [each for each in command.parser()._actions if isinstance(each, argparse._SubParsersAction)]
    assert {each[0] for each in STATEFUL} == set(commands.choices)
    assert of_device.SWITCHED_OFF == SWITCHED_OFF


Run = Callable[[str, list[str]], subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def optimised(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a program with assertions switched off in some way."""
    # Nothing has been compiled without assertions yet, and what is shall not lie in the tree.
    compiled = {"PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("compiled")), "PYTHONDONTWRITEBYTECODE": ""}

    def run(way: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        options = [way] if way.startswith("-") else []
        environment = {**os.environ, **compiled, **({} if options else {"PYTHONOPTIMIZE": way})}
        program = [sys.executable, *options, "-m", *arguments]
        return subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_command_runs_without_assertions(optimised: Run, arguments: list[str]) -> None:
    done = optimised("-O", arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", REFUSAL)


@pytest.mark.parametrize("arguments", STATEFUL, ids=" ".join)
def test_every_command_checks_assertions_first(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All commands of `stateful` pass through one place, so a process for two of them is enough."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "require_assertions", raising(SystemExit, REFUSAL))
    with pytest.raises(SystemExit) as caught:
        command.main(arguments)
    assert (caught.value.code, list(tmp_path.iterdir())) == (REFUSAL, [])


@pytest.mark.parametrize("way", ["-OO", "1", "2", "yes"])
@pytest.mark.parametrize("program", ["spec.explore", "zram_impl demo"])
def test_every_way_to_switch_them_off_is_noticed(optimised: Run, program: str, way: str) -> None:
    done = optimised(way, program.split())
    assert (done.returncode, done.stdout, done.stderr) == (2, "", REFUSAL)


def test_help_is_printed_without_assertions(optimised: Run) -> None:
    done = optimised("-O", ["spec.explore", "--help"])
    assert (done.returncode, done.stdout[: len("usage: ")]) == (0, "usage: ")


# The environment decides for each new process.


def test_a_task_has_assertions_in_any_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    said = list[object]()
    runner_of_spec.run([ProcessTask(trial_tasks.debug)], lambda _index, ended: said.append(ended.result))
    assert said == [True]
