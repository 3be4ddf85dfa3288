"""The command proves, prints a table, and is red whenever anything is not proved."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from spec.processes.interrupts import SIGNALS, Interrupted
from spec.processes.runner import Ended, ProcessTask
from spec.prove import command
from spec.prove.command import main, prove
from spec.prove.crosshair_contracts import contracts, module
from spec.prove.jobs import ProofJob
from spec.prove.obligations import Sizes
from spec.prove.plan import FULL, NIGHTLY, QUICK, QUICK_AT_FIXED_SIZES, Part, parts
from spec.prove.table import ProofRow, checks, proved, table
from spec.prove.unbounded.table import ASSUMPTIONS, assumed
from spec.prove.verdict import CONFIRMED, REFUTED, ProofVerdict
from spec.prove.z3_proof import DEVICE, conditions
from tests.spec.outputs.schema import valid
from tests.spec.processes import trial_tasks
from tests.spec.prove.unbounded.test_any_size import COUNTS

ROOT = Path(__file__).resolve().parents[3]
Report = Callable[[ProofJob, list[ProofVerdict], float], None]
TINY = Sizes(1, 1, 1)
RUNS = {"quick": QUICK, "full": FULL, "nightly": NIGHTLY}
GOOD = ProofVerdict("reap: it", CONFIRMED, REFUTED)
CONTRACT = '"""A contract."""\n\n\ndef next_one(x: int) -> int:\n    """\n    post: {post}\n    """\n    return x + 1\n'


def row(*verdicts: ProofVerdict, conditions: int | None = None, left_out: int = 0) -> ProofRow:
    names = tuple(f"condition {n}" for n in range(len(verdicts) if conditions is None else conditions))
    job = ProofJob("z3 1/1/1", names, ProcessTask(trial_tasks.crash), lambda _ended: [])
    return ProofRow(Part("L2", "z3", "1/1/1", (job,), left_out), verdicts, 1.25)


@pytest.fixture
def in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that modules can be imported from."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_both_provers_prove_a_tiny_device(tmp_path: Path) -> None:
    out = io.StringIO()
    chosen = parts({"CrossHair": {TINY: ("reap", "end_pass")}, "z3": {TINY: ()}}, tmp_path)
    rows = prove(chosen, out)
    assert [row.problems for row in rows] == [[], []]
    assert [row.good for row in rows] == [True, True]
    assert rows[0].part.left_out == len(contracts(module(TINY))) - 2
    assert rows[1].conditions == len(conditions(TINY, [DEVICE, *(v.condition.split(":")[0] for v in rows[1].verdicts)]))


def test_longer_runs_cover_more_sizes_full_ones_the_same_by_both() -> None:
    assert FULL["CrossHair"].keys() == FULL["z3"].keys()
    assert FULL["CrossHair"].keys() < NIGHTLY["CrossHair"].keys() < NIGHTLY["z3"].keys()
    assert {*QUICK["z3"], *QUICK["CrossHair"]} < FULL["z3"].keys()
    assert not any(names for each in (*FULL.values(), *NIGHTLY.values()) for names in each.values())


def test_a_quick_run_says_what_it_leaves_out(tmp_path: Path) -> None:
    crosshair, *z3 = parts(QUICK_AT_FIXED_SIZES, tmp_path)
    there_are = len(contracts(module(Sizes(3, 2, 2))))
    assert sum(len(job.conditions) for job in crosshair.jobs) + crosshair.left_out == there_are
    assert crosshair.left_out > 0
    assert {name for job in crosshair.jobs for name in job.conditions} == set(*QUICK["CrossHair"].values())
    assert [part.left_out for part in z3] == [0, 0]


@pytest.mark.parametrize(
    "bad",
    [
        row(GOOD, GOOD._replace(said="not confirmed in the time it has")),
        row(GOOD, GOOD._replace(said=REFUTED, witness="this one")),
        row(GOOD, GOOD._replace(vacuity_said="vacuous: nothing satisfies what is assumed")),
        row(GOOD, GOOD._replace(vacuity_said=CONFIRMED)),
        row(GOOD, conditions=2),
        row(),
    ],
)
def test_a_row_with_anything_not_proved_is_not_clean(bad: ProofRow) -> None:
    assert not bad.good
    assert "FAILED" in table([row(GOOD), bad])
    assert proved([row(GOOD)])
    assert not proved([row(GOOD), bad])
    assert not proved([])
    assert [check.verdict for check in checks([row(GOOD), bad])] == ["passed", "failed"]
    assert [check.verdict for check in checks([])] == ["failed"]


def test_every_run_proves_any_size_longer_ones_the_symmetry(tmp_path: Path) -> None:
    for choice in (QUICK, FULL, NIGHTLY):
        found = [part for part in parts(choice, tmp_path) if part.layer == "L3"]
        assert [part.device for part in found] == [
            "any",
            "any, read at 2/2/1, 1 reader",
            "any, read at 3/2/2, 1 reader",
        ]
        assert sum(len(job.conditions) for part in found for job in part.jobs) == sum(COUNTS.values())
    numbers = {name: [p.device for p in parts(each, tmp_path) if p.layer == "L1"] for name, each in RUNS.items()}
    assert numbers["quick"] == []
    assert numbers["full"] == ["3/2/2, 2 readers, other numbers", "4/3/2, 1 reader, other numbers"]
    assert set(numbers["full"]) < set(numbers["nightly"])


def test_a_proof_of_every_size_tells_what_it_rests_on() -> None:
    of_any_size = row(GOOD)._replace(part=Part("L3", "z3", "any", row(GOOD).part.jobs))
    assert "assumptions that remain" not in table([row(GOOD)])
    shown = table([row(GOOD), of_any_size]).splitlines()
    assert [line for line in shown if line.startswith("- ")] == [f"- {a.sentence} [{a.check}]" for a in ASSUMPTIONS]
    assert [each.data.get("assumptions") for each in checks([row(GOOD), of_any_size])] == [None, assumed()]


def test_the_table_says_what_is_proved_and_what_is_left_out() -> None:
    lines = table([row(GOOD, GOOD, left_out=3)]).splitlines()
    assert (
        " ".join(lines[0].split())
        == "layer prover device conditions confirmed vacuity refuted left out seconds verdict"
    )
    assert lines[1].split() == ["L2", "z3", "1/1/1", "2", "2", "2", "3", "1.2", "passed"]


def test_a_problem_is_printed_with_its_witness() -> None:
    bad = row(GOOD, ProofVerdict("reap: that", REFUTED, REFUTED, witness="reap(req 0), from a state"))
    assert table([bad]).endswith("\n\nz3 1/1/1: reap: that: refuted\nreap(req 0), from a state")


def test_a_prover_that_says_less_than_it_should_is_noticed(tmp_path: Path) -> None:
    [part] = parts({"z3": {TINY: ("end_pass",)}}, tmp_path)
    [job] = part.jobs
    found = [ProofVerdict(job.conditions[0], CONFIRMED, REFUTED)]
    for code, good in [(0, 1), (1, 0), (None, 0)]:
        verdicts = job.read(Ended(code, "", "", 1.0, found))
        assert [verdict.condition for verdict in verdicts] == list(job.conditions)
        assert sum(verdict.good for verdict in verdicts) == good


def test_contracts_in_a_module_are_confirmed(in_a_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (in_a_file / "a_right_contract.py").write_text(CONTRACT.format(post="__return__ > x"))
    assert main(["a_right_contract"]) == 0
    assert "passed" in capsys.readouterr().out


def test_a_contract_that_is_refuted_is_red(in_a_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (in_a_file / "a_wrong_contract.py").write_text(CONTRACT.format(post="__return__ > 1"))
    assert main(["--json", "a_wrong_contract"]) == 1
    said = json.loads(capsys.readouterr().out)
    valid(said)
    [part] = said["checks"]
    assert [part["data"][name] for name in ("conditions", "confirmed", "refuted_vacuity_checks")] == [1, 0, 1]
    [finding] = part["findings"]
    assert finding["sentence"].endswith("next_one: refuted")
    assert finding["details"].startswith("false when calling next_one(")


@pytest.mark.parametrize("arguments", [["no_such_module"], ["--quick", "--nightly"], ["spec.model.terms"], ["--what"]])
def test_a_wrong_call_is_not_a_verdict(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2


def test_progress_counts_conditions_and_keeps_the_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    part, terminal = row(GOOD).part, io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    progress = command.ProofProgress([part], terminal)
    progress.tick()
    assert terminal.getvalue() == "conditions: 0 of 1, 0 not proved\n"
    progress.ended(part.jobs[0], [GOOD], 1.0)
    assert progress._lines() == ["conditions: 1 of 1, 0 not proved  z3 1/1/1"]
    assert progress.of_part(part) == ((GOOD,), 1.0)


def test_an_interrupted_proof_shows_what_is_decided(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    part = row(GOOD).part

    def interrupted(jobs: object, ended: Report, *_rest: object) -> None:
        ended(part.jobs[0], [GOOD], 1.0)
        raise Interrupted(signal.SIGTERM)

    monkeypatch.setattr(command, "run", interrupted)
    monkeypatch.setattr(command, "parts", lambda *_which: [part, part._replace(jobs=())])
    with pytest.raises(Interrupted):
        main([])
    out = capsys.readouterr().out
    assert [word for word in ("layer", "z3") if word in out] == ["layer", "z3"]
    with pytest.raises(Interrupted):
        main(["--json"])
    found = json.loads(capsys.readouterr().out)
    valid(found)
    assert (found["verdict"], [check["verdict"] for check in found["checks"]]) == ("incomplete", ["passed"])


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_interrupted_it_leaves_no_child(number: signal.Signals) -> None:
    began = subprocess.Popen(
        [sys.executable, "-m", "spec.prove", "--quick"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    with began:
        give_up = time.monotonic() + 30
        while len(started := children(began.pid)) < 2:
            assert time.monotonic() < give_up
            time.sleep(0.02)
        began.send_signal(number)
        _, errors = began.communicate(timeout=30)
    assert (began.returncode, errors) == (128 + number, b"interrupted\n")
    assert [pid for pid in started if Path(f"/proc/{pid}").exists() and os.getpgid(pid) == pid] == []
