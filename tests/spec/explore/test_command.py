"""The command: what it prints, how it ends, and that Ctrl-C leaves nothing behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spec.bugs.batching_v3 import SpecBug
from spec.bugs.history import SEEDED_BUGS
from spec.explore import command as explore
from spec.explore.bfs import search
from spec.explore.expected_counts import PINNED, REDUCED, Pinned
from spec.explore.result import ExploreResult
from spec.explore.workers import SearchDied
from spec.scope import EVERY_RUN, NIGHTLY, Scope
from tests.refused import wrong_call
from tests.spec.searches import search_once

ROOT = Path(__file__).resolve().parents[3]
TINY = ["--slots", "1", "--blocks", "1", "--requests", "1", "--limit", "1"]
TINY_SCOPES = {"one": Scope(1, 1, 1, 1), "two": Scope(2, 1, 1, 1)}
TINY_PINS = {"one": Pinned(97, 546, 21), "two": Pinned(906, 8670, 23)}
TINY_REDUCED = {"one": Pinned(97, 546, 21), "two": Pinned(484, 4629, 23)}


@pytest.fixture
def searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the command look at outcomes that there are by now, of the searches that other tests are about."""
    monkeypatch.setattr(explore, "search", search_once)


def test_a_clean_scope_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert explore.main(TINY) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["scope", "states", "transitions", "depth", "seconds", "always", "sometimes", "verdict"]
    assert row.split()[:7] == ["scope", "1/1/1,", "limit", "1", "97", "546", "21"]
    assert row.endswith("passed")


def test_sizes_that_are_not_given_are_the_usual_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Scope] = []

    def remember(scope: Scope, *_rest: object, symmetry: bool) -> ExploreResult:
        assert not symmetry
        asked.append(scope)
        return search(Scope(1, 1, 1, 1))

    monkeypatch.setattr(explore, "search", remember)
    explore.main(["--readers", "1"])
    explore.main(["--limit", "none", "--slots", "1"])
    assert asked == [Scope(readers=1), Scope(slots=1, limit=-1)]


@pytest.mark.usefixtures("searched_once")
@pytest.mark.parametrize("bug", [pytest.param(bug, id=bug.name) for bug in SEEDED_BUGS])
def test_a_bug_ends_with_1_and_its_counterexample(bug: SpecBug, capsys: pytest.CaptureFixture[str]) -> None:
    assert explore.main(["--bug", bug.name]) == 1
    out = capsys.readouterr().out
    broken = f"{bug.name}: {bug.breaks} is broken after {bug.steps} steps:"
    assert (broken if bug.steps else f"{bug.name}: never seen: {bug.breaks}") in out
    assert "FAILED" in out


@pytest.mark.usefixtures("searched_once")
@pytest.mark.parametrize("arguments", [[], ["--symmetry"]])
def test_all_bugs_in_one_table(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert explore.main(["--bug", "all", *arguments]) == 1
    rows = capsys.readouterr().out.splitlines()[1 : 1 + len(SEEDED_BUGS)]
    assert [row.split()[0] for row in rows] == [v.name for v in SEEDED_BUGS]
    reduced = {row.split()[0] for row in rows if "symmetry" in row}
    assert reduced == {v.name for v in SEEDED_BUGS if arguments and not v.asks_for_a_number}


def test_a_scope_too_small_for_a_bug_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert explore.main(["--bug", "unassigned_index", *TINY]) == 0
    assert "passed" in capsys.readouterr().out


def test_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert explore.main(["--json", *TINY]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "passed"
    data = found["checks"][0]["data"]
    assert (data["states"], data["counterexample"]) == (97, None)
    assert explore.main(["--json", "--bug", "no_refund"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "failed"
    (check,) = found["checks"]
    assert check["data"]["counterexample"]["steps"][-1] == "reap(0)"
    (finding,) = check["findings"]
    assert (finding["rule"], finding["steps"][-1]["text"]) == ("the_budget_is_conserved", "reap(req 0)")
    assert finding["place"]["path"] == "spec/model/invariant.py"


def test_a_run_is_written_as_a_page_and_as_a_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, trace = tmp_path / "run.html", tmp_path / "run.itf.json"
    assert explore.main(["--bug", "no_refund", "--html", str(page), "--itf", str(trace)]) == 1
    assert "<code>python -m spec.explore --bug no_refund</code>" in page.read_text()
    assert json.loads(trace.read_text())["states"][-1]["action"] == "reap"
    page.unlink()
    capsys.readouterr()
    assert explore.main([*TINY, "--html", str(page)]) == 0
    assert "note: no property is broken, so there is no run to show" in capsys.readouterr().err
    assert not page.exists()


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()

    def lose(_scope: Scope, *_rest: object, symmetry: bool) -> ExploreResult:
        assert not symmetry
        gone.rmdir()
        return search(Scope(1, 1, 1, 1))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explore, "search", lose)
        assert explore.main([*TINY, "--junit", str(gone / "out.xml")]) == 2
    assert "No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--bug", "all", "--html", "run.html"], "--html, --itf: one run is shown, so name one bug"),
        (["--slots", "0"], "--slots must be 1 to 16, got 0"),
        (["--blocks", "-1"], "--blocks must be 1 to 16, got -1"),
        (["--requests", "many"], "--requests must be 1 to 16, got many"),
        (["--slots", "1000000000"], "--slots must be 1 to 16, got 1000000000"),
        (["--readers", "-2"], "--readers must be 0 to 16, got -2"),
        (["--limit", "-2"], "--limit must be 0 to 16 or none, got -2"),
        (["--huge", "2"], "--huge must be 0 to 1, got 2"),
        (["--stores", "none"], "--stores must be 0 to 16, got none"),
        (["--bug", "no_such_bug"], "there is no 'no_such_bug'; there are all, early_release, unassigned_index"),
        (["--frob"], "unrecognized arguments: --frob"),
        (["--slots"], "--slots: expected one argument"),
        (["--nightly", "--slots", "2"], "--nightly: these are scopes of their own, without bugs"),
        (["--nightly", "--bug", "no_refund"], "--nightly: these are scopes of their own, without bugs"),
        (["--symmetry", "--bug", "unassigned_index"], "--symmetry: unassigned_index is about one particular number"),
    ],
)
def test_what_is_not_allowed_ends_with_2_and_says_so(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in wrong_call(capsys, explore.main, arguments)


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert explore.main(["--list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in (*EVERY_RUN, *NIGHTLY))
    assert all(bug.mistake in out for bug in SEEDED_BUGS)


def test_the_scopes_of_every_run_are_compared_with_their_pins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(explore, "EVERY_RUN", TINY_SCOPES)
    monkeypatch.setattr("spec.explore.report.PINNED", TINY_PINS)
    assert explore.main([]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["scope", "one", "two"]
    monkeypatch.setattr("spec.explore.report.PINNED", {**TINY_PINS, "two": Pinned(905, 8670, 23)})
    assert explore.main([]) == 1
    out = capsys.readouterr().out
    assert "FAILED" in out
    assert out.endswith("two: states: 906, pinned 905\n")


def test_with_symmetry_they_are_compared_with_pins_of_their_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(explore, "EVERY_RUN", TINY_SCOPES)
    monkeypatch.setattr("spec.explore.report.PINNED", TINY_PINS)
    monkeypatch.setattr("spec.explore.report.REDUCED", TINY_REDUCED)
    assert explore.main(["--symmetry"]) == 0
    one, two = capsys.readouterr().out.splitlines()[1:]
    assert (one.split()[:5], two.split()[5]) == (["one", "1/1/1,", "limit", "1,", "symmetry"], "484")
    monkeypatch.setattr("spec.explore.report.REDUCED", {**TINY_REDUCED, "two": TINY_PINS["two"]})
    assert explore.main(["--symmetry"]) == 1
    assert "two: states: 484, pinned 906\n" in capsys.readouterr().out


def test_a_night_is_about_scopes_of_its_own_with_symmetry(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(explore, "NIGHTLY", TINY_SCOPES)
    monkeypatch.setattr("spec.explore.report.REDUCED", TINY_REDUCED)
    assert explore.main(["--nightly", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(check["name"], check["data"]["symmetry"]) for check in found["checks"]] == [("one", True), ("two", True)]
    monkeypatch.setattr("spec.explore.report.REDUCED", {**TINY_REDUCED, "one": Pinned(97, 546, 22)})
    assert explore.main(["--nightly"]) == 1
    assert "one: depth: 21, pinned 22\n" in capsys.readouterr().out


def test_every_scope_that_has_a_name_is_pinned() -> None:
    assert PINNED.keys() == EVERY_RUN.keys()
    assert REDUCED.keys() == EVERY_RUN.keys() | NIGHTLY.keys()
    assert not EVERY_RUN.keys() & NIGHTLY.keys()


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (MemoryError(), 1, "error: out of memory: a smaller scope may fit"),
        (SearchDied("base ended"), 1, "error: base ended: a smaller scope may fit"),
    ],
)
def test_a_search_that_does_not_end(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_arguments: object, symmetry: bool, **_rest: object) -> list[ExploreResult]:
        assert not symmetry
        raise error

    monkeypatch.setattr(explore, "search_each", fail)
    assert explore.main([]) == code
    assert said in capsys.readouterr().err


def test_a_huge_scope_is_announced(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(explore, "search", lambda *_arguments, symmetry: search(Scope(1, 1, 1, 1), symmetry=symmetry))
    assert explore.main(["--slots", "8", "--blocks", "8"]) == 0
    assert "warning: 8/8/2, limit 2 has, very roughly," in capsys.readouterr().err
    assert explore.main(["--slots", "5", "--blocks", "3"]) == 0
    assert "warning" in capsys.readouterr().err
    assert explore.main(["--slots", "5", "--blocks", "3", "--symmetry"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", list(EVERY_RUN))
def test_the_estimate_is_within_a_factor_of_ten(name: str) -> None:
    assert 0.1 < explore.estimate(EVERY_RUN[name]) / PINNED[name].states < 10


@pytest.mark.parametrize("name", list(REDUCED))
def test_so_is_that_of_a_search_with_symmetry(name: str) -> None:
    scope = {**EVERY_RUN, **NIGHTLY}[name]
    assert 0.1 < explore.estimate_reduced(scope) / REDUCED[name].states < 10


def running(group: int) -> list[str]:
    """The processes of a group that run; one that has ended and waits for init to notice does not."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, _, rest = path.read_text(encoding="utf-8").partition(" (")
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, _parent, its_group = rest.rpartition(") ")[2].split()[:3]
        if int(its_group) == group and state != "Z":
            found.append(number)
    return found


ENDED = r"(scope  .*\n(\w+  .*  passed\n)+)?"
"""The output about scopes whose search has ended; that takes a fast processor a second."""


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [([], ENDED), (["--slots", "4"], r"scope: [\d,]+ states to depth .*\n"), (["--nightly"], "")],
)
def test_ctrl_c_ends_every_process_within_a_second(arguments: list[str], shown: str) -> None:
    command = [sys.executable, "-m", "spec.explore", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        time.sleep(1.5)
        assert running(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        began = time.monotonic()
        out, err = process.communicate(timeout=20)
        took = time.monotonic() - began
    assert process.returncode == 130
    assert re.fullmatch(shown, out)
    assert err.endswith("interrupted\n")
    assert "Traceback" not in err
    while running(process.pid) and time.monotonic() < began + 1:
        time.sleep(0.01)
    assert running(process.pid) == []
    assert took < 1
