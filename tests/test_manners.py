"""Manners of every command: results alone on stdout, the same options, help and exit codes, at any width.

The commands are those that the parsers and the packages have: a new one fails here until it has a row.
"""

import argparse
import io
import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

from spec.processes.options import count, duration, integer
from spec.promela.command import SpinResult
from stateful.command import parser
from stateful.jobs import runner
from stateful.jobs.runner import Done, Job, JobResult
from tests.test_assertions_off import programs
from zram_impl.cli.bench import figures
from zram_impl.cli.command import _parser as parser_of_device

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"


class Row(NamedTuple):
    """Arguments that make a command do little, and its exit code."""

    arguments: str
    code: int = 0


QUICK = {
    "stateful check": Row(""),
    "stateful bugs": Row("leak_on_error"),
    "stateful replay": Row("1cqb4h084"),
    "stateful machine": Row("--examples 1"),
    "stateful threads": Row("--seconds 1"),
    "stateful conformance": Row("{folder}/recorded"),
    "stateful metamorphic": Row("--programs 2"),
    "stateful schedules": Row("ends"),
    "stateful fuzz": Row("--seconds 1 --seed 1 --out {folder}/findings"),
    "stateful campaign": Row("{folder}/campaign --device no.such:device", 2),
    "stateful trace-check": Row("{folder}/absent", 2),
    "stateful trace-record": Row("{folder}/no/where.jsonl", 2),
    "stateful kernel-judge": Row("{data}/kernel-judge/gate.ktrace.xz"),
    "stateful api-fuzz": Row("--count 1"),
    "stateful interrupts": Row("stats --quick"),
    "stateful mutate": Row("shield --list --sample 1"),
    "stateful guards": Row("--quick"),
    "spec.explore": Row("--slots 1 --blocks 1 --requests 1"),
    "spec.prove": Row("--quick", 1),
    "spec.prove_sizes": Row("", 1),
    "spec.prove.unbounded": Row("", 1),
    "spec.mutate": Row("--list --sample 1"),
    "spec.promela": Row("", 1),
    "zram_impl demo": Row("{folder}/file"),
    "zram_impl bench": Row("--quick"),
}
TABLES = {"stateful replay", "spec.promela"}
"""Commands all of whose lines are laid out; sentences of others are left to the terminal."""
ALIASES = {"mutants": "bugs", "inputs": "api-fuzz"}
MODULES = {"spec.prove_sizes": "spec.prove.unbounded.command", "zram_impl": "zram_impl.cli.command"}
# Not of a user: what docs and tests are drawn with.
OURS = ("docs.", "tests.")


def subcommands(every: argparse.ArgumentParser) -> list[str]:
    """Return the names of the commands of a parser."""
    (found,) = [each for each in every._actions if isinstance(each, argparse._SubParsersAction)]
    return [name for name in found.choices if name not in ALIASES]


def commands() -> list[str]:
    """Return every command there is."""
    found = [name for name in programs() if name.startswith("spec.") and name != "spec.processes.child"]
    found += [f"stateful {name}" for name in subcommands(parser())]
    return [*found, *(f"zram_impl {name}" for name in subcommands(parser_of_device()))]


def call(command: str, *arguments: str) -> int:
    """Run a command in this process; return the exit code."""
    module, *rest = command.split()
    main: Callable[[Sequence[str]], int] = import_module(MODULES.get(module, f"{module}.command")).main
    return main([*rest, *arguments])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Something to work on, and no work that takes long: jobs and provers answer at once."""

    def answered(jobs: Sequence[Job], *_rest: object) -> list[Done]:
        return [Done(job, JobResult(good=True, what="a long sentence " * 10), 1.0) for job in jobs]

    def measured(_options: object, _stop: object) -> int:
        sys.stdout.write("a table\n")
        return 0

    monkeypatch.setattr(runner, "run", answered)
    monkeypatch.setattr("spec.prove.command.run", lambda *_rest: None)
    monkeypatch.setattr("spec.prove.unbounded.command.prove_all_sizes", lambda *_rest: [])
    monkeypatch.setattr("spec.promela.command.programs", lambda: ("spin", "gcc"))
    monkeypatch.setattr("spec.promela.command.search", lambda *_rest, tick: SpinResult(1, 2, 3, 4.0, tick()))
    monkeypatch.setattr(figures, "run", measured)
    (tmp_path / "recorded").mkdir()
    for name in ("gate_1.ops.jsonl", "gate_1.expected.jsonl"):
        source = next((DATA / "kernel-traces").rglob("*.ops.jsonl"))
        source = source if name.endswith("ops.jsonl") else source.with_name(source.name.replace(".ops.", ".expected."))
        (tmp_path / "recorded" / source.name).write_bytes(source.read_bytes())
    (tmp_path / "file").write_bytes(b"a page of words; " * 1000)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def arguments(command: str, folder: Path) -> list[str]:
    """Return the arguments of a row."""
    return QUICK[command].arguments.format(folder=folder, data=DATA).split()


def test_every_command_has_a_row() -> None:
    assert sorted(commands()) == sorted(QUICK)


@pytest.mark.parametrize("command", QUICK)
def test_stdout_is_clean_at_any_width(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    for columns in ("60", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        assert call(command, *arguments(command, folder), "--quiet") == QUICK[command].code
        out, err = capsys.readouterr()
        assert "\x1b" not in out + err
        assert not re.search(r"^\.\.\.|^error|interrupted", out, re.MULTILINE)
        assert [line for line in err.splitlines() if not line.startswith("error: ")] == []
        assert bool(out) == (QUICK[command].code != 2)
        laid_out = [
            line for line in out.splitlines() if line[:1] in "┏┃┡│└" or command in TABLES or "  " in line.strip()
        ]
        assert [line for line in laid_out if len(line) > int(columns)] == []


class Closed(io.StringIO):
    """A pipe that nobody reads any more."""

    def write(self, _text: str) -> int:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        raise BrokenPipeError

    def fileno(self) -> int:  # type: ignore[explicit-override]  # likewise
        raise OSError("it has no number")


@pytest.mark.parametrize(
    "command", [name for name, row in QUICK.items() if row.code != 2 and not name.startswith("zram_impl")]
)
def test_a_reader_that_has_enough_ends_the_command(command: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry answers BrokenPipeError with an exit code; a command must not answer it with one of its own."""
    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(BrokenPipeError):
        call(command, *arguments(command, folder), "--quiet")


def every_parser() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of every command, whose help has been asked for at 60 columns."""
    found: list[argparse.ArgumentParser] = []

    def note(self: argparse.ArgumentParser) -> None:
        found.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "60")
        patch.setattr(argparse.ArgumentParser, "print_help", note)
        for command in QUICK:
            with pytest.raises(SystemExit) as ended:
                call(command, "--help")
            assert ended.value.code == 0
    return dict(zip(QUICK, found, strict=True))


def plain(command: str) -> str:
    """Return a command by its own name instead of an alias."""
    module, *rest = command.split()
    return " ".join([module, *(ALIASES.get(name, name) for name in rest)])


@pytest.fixture(scope="module")
def parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of every command."""
    return every_parser()


@pytest.mark.parametrize("bug", ["", "--bug check_then_act"])
def test_where_two_runs_part_fits_into_60_columns(
    bug: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    other = [] if bug else ["1cqb4h084"]
    assert call("stateful replay", "1cqb4ba2109z", *other, *bug.split(), "--diff", "--quiet") == 1
    assert [line for line in capsys.readouterr().out.splitlines() if len(line) > 60] == []


@pytest.mark.parametrize("command", [*QUICK, "stateful", "zram_impl"])
def test_help_fits_into_60_columns(
    command: str, parsers: dict[str, argparse.ArgumentParser], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    asked = {**parsers, "stateful": parser(), "zram_impl": parser_of_device()}[command]
    assert [line for line in asked.format_help().splitlines() if len(line) > 60] == []


@pytest.mark.parametrize("command", QUICK)
def test_help_is_one_of_a_kind(command: str, parsers: dict[str, argparse.ArgumentParser]) -> None:
    of_command = parsers[command]
    assert of_command.prog == f"python -m {command}".replace("spec.prove.unbounded", "spec.prove_sizes")
    options = {name: action for action in of_command._actions for name in action.option_strings}
    assert {"-h", "-q", "--quiet", "-v", "--verbose"} <= set(options)
    kinds = {
        "--seed": (integer, "S"),
        "--seconds": (duration, "N"),
        "--processes": (count, "N"),
        "--minutes": (duration, "N"),
    }
    found = {name: (options[name].type, options[name].metavar) for name in kinds if name in options}
    assert found == {name: kind for name, kind in kinds.items() if name in found}
    assert [name for name, action in options.items() if action.help is None] == []
    # Their messages do not say what an argument must be, and they take digits of any alphabet.
    assert [name for name, action in options.items() if action.type in (int, float)] == []


def test_what_is_drawn_has_a_seed_and_what_takes_time_a_limit(parsers: dict[str, argparse.ArgumentParser]) -> None:
    def having(option: str) -> set[str]:
        return {name for name, each in parsers.items() if option in each._option_string_actions}

    drawn = ("fuzz", "campaign", "machine", "metamorphic", "api-fuzz", "threads", "trace-record", "mutate")
    assert having("--seed") == {*(f"stateful {name}" for name in (*drawn, "kernel-judge")), "spec.mutate"}
    assert having("--seconds") == {
        f"stateful {name}" for name in ("fuzz", "campaign", "machine", "threads", "trace-record", "mutate")
    }
    side_by_side = ("check", "bugs", "machine", "schedules", "fuzz", "campaign", "api-fuzz", "mutate", "guards")
    assert having("--processes") == {
        *(f"stateful {name}" for name in side_by_side), "spec.explore", "spec.prove", "spec.mutate",
    }  # fmt: skip
