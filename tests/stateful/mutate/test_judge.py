"""The fate of a mutant: caught by the layer that says so, hung at a lock with a name, or not caught at all."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spec.processes.runner import Ended
from stateful import command
from stateful.mutate.judge import HANGS, SLOW, MutantFate, fate, judge, waits
from stateful.mutate.mutants import PACKAGE, DeviceMutant
from stateful.mutate.page import drawn, numbers, summary
from stateful.mutate.trial import TESTS, unit_tests
from tests.refused import wrong_call

PATIENCE = 30.0


def mutant(module: str, mine: str, instead: str) -> DeviceMutant:
    source = (PACKAGE / f"{module}.py").read_text(encoding="utf-8")
    assert source.count(mine) == 1
    return DeviceMutant(f"{module} {instead}", module, "by hand", mine, instead, source.replace(mine, instead))


UNIMPORTABLE = mutant("table/access_times", "TICKS: Final = 1 << 16", "TICKS: Final = nothing")


def said(*lines: object, code: int | None = 0) -> Ended:
    return Ended(code, "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "", 1.0)


SLOT = DeviceMutant("a mutant", "table/slot_table", "release", "before", "after", "")


def test_a_catch_names_layer_test_and_words() -> None:
    ended = said(["layer", "unit tests", ""], ["running", "t.py::test_a", ""], ["caught", "t.py::test_a", "no lock"])
    assert fate(SLOT, ended) == MutantFate("a mutant", "release", "unit tests", "t.py::test_a", "no lock", "", 1.0)


def test_a_hang_names_the_line_of_each_thread() -> None:
    line = next(
        number
        for number, text in enumerate((PACKAGE / "engine/threads.py").read_text(encoding="utf-8").splitlines(), 1)
        if "wait_for(self._has_work_or_end)" in text
    )
    stack = [
        "Timeout (0:00:15)!",
        "Thread 0x00007f (most recent call first):",
        '  File "/usr/lib/threading.py", line 327 in wait',
        f'  File "/tmp/0/zram_impl/engine/threads.py", line {line} in _serve',
        '  File "/tmp/0/zram_impl/engine/threads.py", line 1 in _outer',
    ]
    where = f"hangs in engine/threads.py:{line} _serve: self._work.wait_for(self._has_work_or_end)"
    assert waits(stack) == [where]
    found = fate(SLOT, said(["layer", "unit tests", ""], ["running", "t.py::test_a", ""], *stack, code=1))
    assert (found.layer, found.test, found.said, found.how) == ("unit tests", "t.py::test_a", where, HANGS)


def test_what_ran_out_of_time_or_died_is_not_caught() -> None:
    late = fate(SLOT, said(["layer", "schedules", ""], ["running", "schedules", ""], code=None))
    died = fate(SLOT, said(code=1))
    assert [(each.caught, each.how) for each in (late, died)] == [(False, SLOW)] * 2
    assert late.said == "in schedules, schedules"


def test_a_survivor_is_one_whose_layers_all_ran() -> None:
    found = fate(SLOT, said(["layer", "schedules", ""], ["running", "schedules", ""]))
    assert (found.caught, found.how) == (False, "")


def test_the_tests_of_a_module_come_first_and_all_once() -> None:
    own, near, others = unit_tests("passes/writeback")
    assert own[0].name.startswith("test_writeback")
    assert {path.parent for path in near} == {TESTS / "passes"}
    assert sorted([*own, *near, *others]) == sorted(TESTS.rglob("test_*.py"))


def test_a_mutant_is_caught_in_a_process_of_its_own() -> None:
    wrong = mutant("table/block_map", "self.used -= 1", "self.used += 1")
    caught, unimportable = judge([wrong, UNIMPORTABLE], lambda _fates: None, seconds=PATIENCE)
    assert (caught.layer, caught.how) == ("unit tests", "")
    assert caught.test.startswith("tests/impl/table/test_block_map.py::test_")
    assert "assert" in caught.said
    assert (unimportable.layer, unimportable.said) == ("import", "NameError: name 'nothing' is not defined")


def test_a_missing_library_catches_nothing() -> None:
    """No mistake of these kinds takes one away: the environment was changed under it."""
    away = mutant("table/access_times", "TICKS: Final = 1 << 16", "TICKS: Final = __import__('no_such_library')")
    (found,) = judge([away], lambda _fates: None, seconds=PATIENCE)
    assert (found.caught, found.how) == (False, SLOW)
    assert "no_such_library" in found.said


def test_an_interrupt_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "stateful", "mutate", "table/budget"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    until = time.monotonic() + PATIENCE
    while not list(tmp_path.glob("zram-*/zram-mutants-*/0")):
        assert time.monotonic() < until, "a trial begins"
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    assert (run.communicate(timeout=PATIENCE), run.returncode) == ((b"", b"interrupted\n"), 130)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_module_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    said = wrong_call(capsys, command.main, ["mutate", "passes/nothing"])
    assert "there is no module passes/nothing; there are table/access_times" in said


def test_list_shows_every_mutant_of_a_module(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["mutate", "table/budget", "--list"]) == 0
    assert capsys.readouterr().out.count("\n  + ") >= 3


FATES = [
    MutantFate("a", "release", "unit tests", "test_a", "assert 1 == 2"),
    MutantFate("b", "release"),
    MutantFate("c", "boundary", "schedules", "schedules", "one_owner: block 3", HANGS),
]
MUTANTS = [DeviceMutant(each.name, "table/budget", each.kind, "before", f"after | {each.name}", "") for each in FATES]


def test_the_tables_add_up_and_list_what_survived() -> None:
    assert numbers(MUTANTS, FATES) == [3, 2, 1, 0, 0, 0, 1, 0, 1]
    assert "survived: b\n  - before\n  + after | b" in summary(MUTANTS, FATES)
    page = drawn(MUTANTS, FATES, "python -m stateful mutate --page", 60)
    assert "| all | 3 | 2 | 1 | 0 | 0 | 0 | 1 | 0 | 1 |" in page
    assert "| `b` | `before` | `after \\| b` |" in page
    assert "| `c` | schedules | `schedules` | `one_owner: block 3` |" in page
