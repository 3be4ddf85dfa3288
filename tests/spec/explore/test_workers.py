"""Walks in processes of their own."""

import multiprocessing
import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from spec.explore.bfs import walk
from spec.explore.workers import Progress, WalkDied, _work, walk_each
from spec.scope import Scope

if TYPE_CHECKING:
    Pipe = Connection[object, object]

ONE, TWO = Scope(1, 1, 1, 1), Scope(2, 1, 1, 1)


def test_outcomes_and_progress_come_back() -> None:
    said: list[Progress] = []
    found = walk_each({"one": ONE, "two": TWO, "again": ONE}, said.append)
    assert [outcome._replace(seconds=0.0) for outcome in found] == [
        walk(scope)._replace(seconds=0.0) for scope in (ONE, TWO, ONE)
    ]
    assert {progress.name for progress in said} == {"one", "two", "again"}
    assert multiprocessing.active_children() == []


def test_nobody_has_to_listen() -> None:
    assert [outcome.states for outcome in walk_each({"one": ONE}, processes=1)] == [97]


def test_a_walk_that_dies_is_reported_and_the_others_end(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WalkDied, match="the process that walked none ended with exit code 1"):
        walk_each({"none": Scope(1, 0, 1, 1), "many": Scope(4, 2, 2, 2)})
    assert multiprocessing.active_children() == []
    assert "IndexError" in capfd.readouterr().err


def test_whoever_listens_may_interrupt() -> None:
    def interrupt(_progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        walk_each({"many": Scope(4, 2, 2, 2), "more": Scope(4, 2, 2, 2)}, interrupt)
    assert multiprocessing.active_children() == []


def test_only_whoever_asked_answers_ctrl_c() -> None:
    blocked: list[bool] = []

    def look(_progress: Progress) -> None:
        for child in multiprocessing.active_children():
            status = Path(f"/proc/{child.pid}/status").read_text(encoding="utf-8")
            mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigBlk:"))
            blocked.append(bool(int(mask, 16) & 1 << signal.SIGINT - 1))
        if len(blocked) > 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        walk_each({"many": Scope(4, 2, 2, 2), "more": Scope(4, 2, 2, 2)}, look)
    assert all(blocked)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_the_work_of_a_process() -> None:
    here, there = multiprocessing.Pipe(duplex=False)
    _work("one", ONE, there)
    there.close()
    said = []
    while here.poll():
        try:
            said.append(here.recv())
        except EOFError:
            break
    assert said[0] == Progress("one", 0, 1, 1)
    assert said[-1].states == 97
    here.close()


def test_a_process_that_nobody_listens_to_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    sending = Connection.send

    def send(self: "Pipe", said: object) -> None:
        sent.append(said)
        sending(self, said)

    monkeypatch.setattr(Connection, "send", send)
    here, there = multiprocessing.Pipe(duplex=False)
    here.close()
    _work("many", Scope(4, 2, 2, 2), there)
    there.close()
    assert len(sent) == 1
