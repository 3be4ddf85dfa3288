"""The decisions of the implementation are confirmed to be the specification's, and wrong ones are not."""

from pathlib import Path

import pytest

from spec.model.tables import KINDS
from spec.prove.crosshair_contracts import contracts
from spec.prove.crosshair_run import confirm
from spec.prove.verdict import REFUTED
from stateful.equivalence import decisions
from zram_impl.decisions import SlotKind

SOURCE = Path(decisions.__file__).read_text(encoding="utf-8")

# Each decision made wrong: committed though lost, a limit that does not matter when it should, and so on.
WRONG = """from types import SimpleNamespace

decisions = SimpleNamespace(
    completion=lambda ok, kept, right=decisions.completion: right(ok, 1),
    may_charge=lambda enabled, limit: limit > 0,
    charge=lambda enabled, limit, grant: (limit - 1, grant),
    refund=lambda limit, grant, charged: limit + 1 if charged else limit,
    bucket=lambda size: (size + 63) // 64,
    selects=lambda mode, huge, idle, incompressible: huge == 1 or idle == 1,
)
"""


def test_the_decisions_agree() -> None:
    verdicts = confirm(["stateful.equivalence.decisions"])
    assert [verdict.problem for verdict in verdicts if not verdict.good] == []
    assert len(verdicts) == len(contracts(SOURCE)) == 7


def test_wrong_decisions_are_refuted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "disagreement.py").write_text(SOURCE.replace("\n\n\ndef ", f"\n\n{WRONG}\n\ndef ", 1))
    monkeypatch.syspath_prepend(tmp_path)
    verdicts = confirm(["disagreement"])
    assert [verdict.condition for verdict in verdicts if verdict.said != REFUTED] == []
    assert len(verdicts) == len(contracts(SOURCE))


def test_the_kinds_of_slots_have_the_same_numbers() -> None:
    assert [kind.name.lower() for kind in SlotKind] == list(KINDS)
    assert [kind.value for kind in SlotKind] == list(range(len(KINDS)))
