"""The command that proves every size, what it prints, how it ends; and the page that tells of it."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from spec.bugs.history import SEEDED_BUGS
from spec.processes.interrupts import SIGNALS
from spec.prove.unbounded import command as prove_sizes
from spec.prove.unbounded.command import givens
from spec.prove.unbounded.equal import EQUAL
from spec.prove.unbounded.solve import DISCHARGED, ProofAnswer
from spec.prove.unbounded.table import ASSUMPTIONS
from tests.refused import wrong_call
from tests.spec.expected.open_any_size import OPEN
from tests.spec.outputs.schema import valid

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs" / "all-sizes.md").read_text(encoding="utf-8")
GOOD = ProofAnswer("keeps", "reap", "every_block_has_one_owner", DISCHARGED, 0.25)
OPEN_ONE = ProofAnswer("keeps", "drop_held", "every_block_has_one_owner", "refuted at 2/2/1", 0.5)

Prover = Callable[..., list[ProofAnswer]]  # type: ignore[explicit-any]  # each has parameters of its own


def proving(*found: ProofAnswer) -> Prover:
    def prove(report: Callable[[ProofAnswer], object], _texts: prove_sizes.Texts) -> list[ProofAnswer]:
        for answer in found:
            report(answer)
        return list(found)

    return prove


def test_all_discharged_ends_with_0(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(prove_sizes, "prove_all_sizes", proving(GOOD, GOOD._replace(layer="begins")))
    assert prove_sizes.main([]) == 0
    header, keeps, begins, all_, *rest = capsys.readouterr().out.splitlines()
    assert header.split() == ["layer", "conditions", "discharged", "seconds", "verdict"]
    assert keeps.split() == ["keeps", "1", "1", "0.2", "passed"]
    assert begins.split() == ["begins", "1", "1", "0.2", "passed"]
    assert all_.split() == ["all", "2", "2", "0.5", "passed"]
    assert rest[:2] == ["", "assumptions that remain"]
    assert len(rest) == 2 + len(ASSUMPTIONS)


def test_an_open_condition_ends_with_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(prove_sizes, "prove_all_sizes", proving(GOOD, OPEN_ONE))
    assert prove_sizes.main(["--bug", "leak_after_loop"]) == 1
    out = capsys.readouterr().out
    assert "FAILED" in out
    assert "\nopen: keeps: drop_held: every_block_has_one_owner: refuted at 2/2/1\n" in out


def test_nothing_to_prove_is_nothing_proved(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prove_sizes, "prove_all_sizes", proving())
    assert prove_sizes.main([]) == 1
    assert "FAILED" in capsys.readouterr().out


def test_data_instead_of_text(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(prove_sizes, "prove_all_sizes", proving(GOOD, OPEN_ONE))
    assert prove_sizes.main(["--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    valid(found)
    assert found["verdict"] == "failed"
    assert [each for check in found["checks"] for each in check["data"]["conditions"]] == [
        GOOD._asdict(), OPEN_ONE._asdict(),
    ]  # fmt: skip
    assert [[each["rule"] for each in check["findings"]] for check in found["checks"]] == [[OPEN_ONE.clause]]
    assumed = found["checks"][0]["data"]["assumptions"]
    assert [each["sentence"] for each in assumed] == [each.sentence for each in ASSUMPTIONS]


@pytest.mark.parametrize("arguments", [["--bug", "no_such_bug"], ["--bug"], ["--size", "3"]])
def test_a_wrong_call_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "usage: python -m spec.prove_sizes" in wrong_call(capsys, prove_sizes.main, arguments)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_an_interrupt_ends_it_with_the_next_answer(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def prove(report: Callable[[ProofAnswer], object], _texts: prove_sizes.Texts) -> list[ProofAnswer]:
        os.kill(os.getpid(), number)
        time.sleep(0)
        report(GOOD)
        raise AssertionError("continued")

    before = signal.getsignal(number)
    monkeypatch.setattr(prove_sizes, "prove_all_sizes", prove)
    with pytest.raises(KeyboardInterrupt) as interrupted:
        prove_sizes.main([])
    assert interrupted.value.args == (number,)
    assert signal.getsignal(number) is before


def test_ctrl_c_ends_the_program_within_a_second() -> None:
    command = [sys.executable, "-m", "spec.prove_sizes"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        out, err = process.communicate(timeout=20)
        took = time.monotonic() - began
    assert (process.returncode, err.splitlines()[-1]) == (130, "interrupted")
    assert out.startswith("layer")
    assert took < 1


def test_progress_counts_answers() -> None:
    progress = prove_sizes.SizesProgress(3, io.StringIO())
    progress(GOOD)
    progress(OPEN_ONE)
    assert progress.found == [GOOD, OPEN_ONE]
    [line] = progress._drawn._lines()
    assert line.startswith("conditions: 2 of 3, ")
    assert line.endswith("1 open  keeps: drop_held")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_an_interrupted_run_shows_its_answers(
    options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(report: prove_sizes.SizesProgress, *_rest: object) -> None:
        report(OPEN_ONE)
        report.interrupt(signal.SIGTERM, None)
        report(GOOD)

    monkeypatch.setattr(prove_sizes, "prove_all_sizes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prove_sizes.main(options)
    out, err = capsys.readouterr()
    assert ("FAILED" in out, err) == (not options, "")


def test_what_an_assumption_is_shown_by_exists() -> None:
    names = {each.clause for given in givens() for each in given.conditions if each.layer.startswith(EQUAL)}
    assert {name for assumption in ASSUMPTIONS for name in assumption.shown_by} <= names


def test_the_page_tells_the_assumptions_the_numbers_and_the_bugs() -> None:
    page = " ".join(PAGE.split())
    assert [each.sentence for each in ASSUMPTIONS if each.sentence not in page] == []
    layers = Counter(each.layer for given in givens() for each in given.conditions)
    assert f"{sum(layers.values()):,} conditions" in page
    assert [layer for layer, n in layers.items() if f"| {layer} | {n} |" not in page] == []
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [each.name for each in SEEDED_BUGS]
    for row in rows:
        _, name, _, action, what = row.replace("|", "").split("`")
        assert {(action, clause) for clause in what.strip().split(", ")} == OPEN[name]
