"""The command line as a whole: a bad argument is answered with the usage of the command that it is for."""

import argparse
import itertools
import re

import pytest

from stateful import command
from stateful.command import main, parser
from tests.refused import wrong_call


def commands(*named: str) -> list[str]:
    (added,) = [each for each in parser(named)._actions if isinstance(each, argparse._SubParsersAction)]
    return list(added.choices)


COMMANDS = sorted(commands())
NEEDED = {"replay": ["1cqb4h084"], "campaign": ["c"], "conformance": ["."], "trace-check": ["t"], "trace-record": ["t"]}
"""Arguments without which nothing else is looked at."""
ALIASES = {"mutants": "bugs", "inputs": "api-fuzz"}


@pytest.mark.parametrize("named", list(command.COMMANDS.values()), ids=" ".join)
def test_a_module_is_imported_for_its_own_commands_alone(named: tuple[str, ...]) -> None:
    assert commands(named[-1]) == ["check", *named]


def test_every_module_of_commands_is_imported_for_help() -> None:
    assert commands() == commands("unknown") == ["check", *itertools.chain(*command.COMMANDS.values())]


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_argument_gets_the_commands_own_usage(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A bad argument was answered with the usage of the top level, which does not say what the command takes.

    What a command refused itself, and what argparse had left over, went to the parser of all commands.
    """
    err = wrong_call(capsys, main, [name, *NEEDED.get(name, []), "--bogus"])
    name = ALIASES.get(name, name)
    assert err.startswith(f"usage: python -m stateful {name} ")
    assert f"python -m stateful {name}: error: unrecognized arguments: --bogus" in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["replay", "1cqb4h085"], "'1cqb4h085' is mistyped: its check does not fit"),
        (["replay", "1cqb4h084", "--bug", "nope"], "there is no bug nope; there are "),
        (["replay"], "the following arguments are required: TOKEN"),
        (["replay", "1cqb4h084", "more"], "OTHER must be with --diff"),
        (["replay", "1cqb4h084", "more", "--diff"], "'more' is mistyped"),
        (["replay", "1cqb4h084", "--diff"], "--diff must have another token or --bug"),
        (["replay", "1cqb4h084", "1pnz", "--diff", "--html", "run.html"], "--html, --itf: one run is shown"),
        (["replay", "1cqb4h084", "--html", "no/where.html"], "argument --html: must be in a folder that exists"),
        (["schedules", "nope"], "there is no theme nope; there are "),
        (["schedules", "--preemptions", "-1"], "--preemptions must be at least 0, got -1"),
        (["schedules", "--preemptions", "many"], "argument --preemptions: must be a whole number, got 'many'"),
        (["bugs", "nope", "no_refund"], "there is no bug nope; there are early_release, unassigned_index"),
        (["mutants", "--schedules", "no_refund"], "there is no bug no_refund; there are stale_completion_count"),
        (["fuzz", "--minutes", "0"], "argument --minutes: must be a time above 0, got '0'"),
        (["fuzz", "--out", "no/where"], "argument --out: no/where: there is no "),
        (["conformance", ".", "--quirks", "some"], "argument --quirks: invalid choice: 'some'"),
        (["metamorphic", "--programs", "0"], "argument --programs: must be a whole number from 1 on, got '0'"),
        (["inputs", "--count", "0"], "argument --count: must be a whole number from 1 on, got '0'"),
        (["trace-record", "t", "--seconds", "0"], "argument --seconds: must be a time above 0, got '0'"),
        (["trace-check"], "the following arguments are required: FILE"),
        (["trace-check", "t", "--policy", "some"], "argument --policy: invalid choice: 'some'"),
        (["kernel-judge", "--seed", "any"], "argument --seed: must be a whole number, got 'any'"),
        (["check", "everything"], "unrecognized arguments: everything"),
    ],
)
def test_a_bad_argument_gets_the_commands_own_usage(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    err = wrong_call(capsys, main, arguments)
    command = ALIASES.get(arguments[0], arguments[0])
    assert err.startswith(f"usage: python -m stateful {command} ")
    assert f"python -m stateful {command}: error: {complaint}" in err


def test_an_unknown_command_gets_the_usage_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    err = wrong_call(capsys, main, ["chekc"])
    assert err.startswith("usage: python -m stateful [-h] COMMAND ...\n")
    assert re.search("invalid choice: 'chekc' .choose from '?check'?, '?bugs'?, '?mutants'?,", err)
    assert "the following arguments are required: COMMAND" in wrong_call(capsys, main, [])
