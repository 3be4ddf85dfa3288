"""A contract is confirmed, or the verdict on it says why not: nothing else passes for a proof."""

import time
from pathlib import Path

import pytest

from spec.processes.runner import Ended
from spec.prove.crosshair_run import ContractModule, confirm, plan
from spec.prove.verdict import CONFIRMED, REFUTED, ProofVerdict

CASES = '''"""One contract of each kind."""


def confirmed(x: int) -> int:
    """
    pre: x > 0
    post: __return__ > 1
    """
    return x + 1


def refuted(x: int) -> int:
    """
    pre: x > 0
    post: __return__ > 2
    """
    return x + 1


def refuted_by_an_exception(x: int) -> int:
    """
    pre: x > 0
    post: True
    """
    return [1, 2, 3][0 if x < 9 else 7]


def vacuous(x: int) -> int:
    """
    pre: x > 0 and x < 0
    post: False
    """
    return x


def about_a_name_that_there_is_not(x: int) -> int:
    """
    pre: y > 0
    post: True
    """
    return x


def malformed(x: int) -> int:
    """
    pre: x >
    post: True
    """
    return x


def not_confirmed(x: int) -> int:
    """
    pre: x > 0
    post: __return__ == 0
    """
    while x:
        x -= 1
    return x


def never_returns(x: int) -> int:
    """
    pre: x > 0
    post: True
    """
    raise ValueError
'''
CRASHES = {
    "unknown_import": "import no_such_module",
    "ends_at_once": "import os\nos._exit(0)",
    "raises": "raise RuntimeError('not today')",
}
CONTRACT = '\n\ndef identity(x: int) -> int:\n    """\n    post: __return__ == x\n    """\n    return x\n'


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ProofVerdict]:
    """The verdicts on one contract of each kind."""
    directory = tmp_path_factory.mktemp("contracts")
    (directory / "contracts_of_each_kind.py").write_text(CASES)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(directory)
        found = confirm(["contracts_of_each_kind"], seconds=1)
    return {verdict.condition.partition(".")[2]: verdict for verdict in found}


def test_there_is_a_verdict_on_every_contract_in_order(cases: dict[str, ProofVerdict]) -> None:
    assert list(cases) == [line[4:].partition("(")[0] for line in CASES.splitlines() if line.startswith("def ")]


def test_good_is_confirmed_with_its_vacuity_check_refuted(cases: dict[str, ProofVerdict]) -> None:
    assert [name for name, verdict in cases.items() if verdict.good] == ["confirmed"]
    assert cases["confirmed"][1:3] == (CONFIRMED, REFUTED)
    assert cases["confirmed"].problem == ""


@pytest.mark.parametrize(
    ("name", "said", "witness"),
    [
        ("refuted", REFUTED, "false when calling refuted(1)"),
        ("refuted_by_an_exception", REFUTED, "IndexError"),
        ("vacuous", "vacuous: its precondition cannot be met", ""),
        ("about_a_name_that_there_is_not", "NameError", ""),
        ("malformed", "invalid syntax", ""),
        ("not_confirmed", "not confirmed in the time it has", ""),
        ("never_returns", REFUTED, "ValueError"),
    ],
)
def test_what_is_not_confirmed_is_said(cases: dict[str, ProofVerdict], name: str, said: str, witness: str) -> None:
    assert said in cases[name].said
    assert witness in cases[name].witness
    assert f"contracts_of_each_kind.{name}: " in cases[name].problem


@pytest.mark.parametrize("name", ["vacuous", "about_a_name_that_there_is_not", "malformed", "never_returns"])
def test_a_vacuity_check_that_is_not_refuted_is_said(cases: dict[str, ProofVerdict], name: str) -> None:
    assert cases[name].vacuity_said != REFUTED
    assert "its vacuity check, which claims the impossible, is not refuted" in cases[name].problem


def test_a_prover_that_crashes_confirms_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # It fails to print the symbolic number in the exception, with the exit code of a counterexample.
    (tmp_path / "crashes_the_prover.py").write_text(CONTRACT.replace("    return x", "    raise ValueError(x)"))
    monkeypatch.syspath_prepend(tmp_path)
    [verdict] = confirm(["crashes_the_prover"])
    assert verdict.said.startswith("no answer: exit code 1")
    assert not verdict.good


@pytest.mark.parametrize(("code", "good"), [(0, True), (1, True), (2, False), (-9, False), (None, False)])
def test_what_was_said_before_an_accident_does_not_count(code: int | None, good: bool, tmp_path: Path) -> None:
    [job] = plan(ContractModule("a_module", CONTRACT.lstrip(), tmp_path, "part"), tmp_path)
    said = [
        "a_module.py:4: info: Confirmed over all paths.",
        "a_module_vacuity.py:4: error: false when calling identity(0) (which returns 0)",
    ]
    [verdict] = job.read(Ended(code, "\n".join(said), "killed", 1.0))
    assert verdict.good == good
    assert good or verdict.said.startswith("no answer: ")


@pytest.mark.parametrize("crash", CRASHES)
def test_a_module_that_crashes_confirms_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crash: str) -> None:
    (tmp_path / f"{crash}.py").write_text(CRASHES[crash] + CONTRACT)
    monkeypatch.syspath_prepend(tmp_path)
    [verdict] = confirm([crash])
    assert verdict.condition == f"{crash}.identity"
    assert verdict.said.startswith("no answer: exit code")
    assert not verdict.good


def test_a_module_that_is_missing_or_has_no_contract_is_not_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "without_contracts.py").write_text('"""Nothing."""\n')
    (tmp_path / "not_python.py").write_text("def f(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = confirm(["without_contracts", "not_python", "no_such_module", "no_such_package.module"])
    assert len(found) == 4
    assert not any(verdict.good for verdict in found)
    assert all(verdict.said.startswith("no answer: ") for verdict in found)


def test_verdicts_are_reported_as_they_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one_contract.py").write_text(CONTRACT)
    monkeypatch.syspath_prepend(tmp_path)
    heard: list[ProofVerdict] = []
    began = time.monotonic()
    found = confirm(["one_contract"], heard.extend)
    assert heard == found
    assert 0 < found[0].seconds <= time.monotonic() - began
