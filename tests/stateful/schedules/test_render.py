"""Replaying a token: lanes, verdict, and a run that is not the same twice."""

import itertools
import re

import pytest

from stateful.schedules.policies import NondeterminismError
from stateful.schedules.program import OpKind, TaskProgram, on, program
from stateful.schedules.render import replay
from stateful.schedules.run import Execution, execute, execute_twice
from stateful.schedules.token import BadTokenError, encode


def test_a_replay_shows_lanes_and_marks_the_preemption() -> None:
    said = list[str]()
    assert replay("1cqb4h084", said.append)
    text = "\n".join(said)
    assert "lane 0   writeback(0)" in text
    assert " > " in text
    assert "preempted before table" in text
    assert re.fullmatch(r"replayed twice: deterministic \(\d+ choices, \d+ points\)", said[-2])
    assert said[-1] == "verdict  passed"


def test_a_bad_token_is_refused_before_anything_is_played() -> None:
    with pytest.raises(BadTokenError):
        replay("1cqb4h085", print)


def test_a_run_that_something_else_decides_is_noticed() -> None:
    """The batch size depends on how often the program was played: nobody chose that."""
    count = itertools.count(1)

    def once(what: TaskProgram) -> Execution:
        return execute(what._replace(batch=next(count)))

    with pytest.raises(NondeterminismError, match=r"two runs of the same program part: point number \d+ is .* then"):
        execute_twice(program([OpKind.WRITEBACK], [on(OpKind.WRITE, 0)]), once)


def test_a_program_without_anything_is_clean() -> None:
    assert replay(encode(TaskProgram()), lambda _text: None)
