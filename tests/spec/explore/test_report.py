"""Verdicts on results of searches."""

from collections import Counter

import pytest

from spec.explore import report
from spec.explore.expected_counts import Pinned
from spec.explore.report import judge, table
from spec.explore.result import Counterexample, ExploreResult
from spec.scope import Scope
from tests.spec.states import BUSY

CLEAN = ExploreResult(Scope(), 1000, 20000, 30, 1.25, Counter(write=3), always=23, sometimes=36, never=(), broken=None)
STOPPED = CLEAN._replace(broken=Counterexample("a_name", "a sentence", (), BUSY, BUSY))


@pytest.fixture(autouse=True)
def pins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "PINNED", {"same": Pinned(1000, 20000, 30), "other": Pinned(1000, 20001, 31)})


def test_verdicts() -> None:
    assert [judge("same", CLEAN).word, judge("unknown", CLEAN).word] == ["passed", "passed"]
    assert judge("other", CLEAN).problems == ("transitions: 20,000, pinned 20,001", "depth: 30, pinned 31")
    assert judge("other", CLEAN).word == "FAILED"
    assert judge("other", CLEAN, pinned=False).word == "passed"
    assert judge("same", CLEAN._replace(never=("x",))).problems == ("never seen: x",)
    assert judge("same", CLEAN._replace(never=("x",))).word == "FAILED"
    assert judge("same", STOPPED).word == "FAILED"


def test_a_table_and_what_is_wrong_beneath_it() -> None:
    text = table([judge("same", CLEAN), judge("other", CLEAN._replace(never=("it rains",)))])
    assert text.splitlines() == [
        "scope                  states  transitions  depth  seconds  always  sometimes  verdict",
        "same   3/2/2, limit 2   1,000       20,000     30      1.2      23      36/36  passed",
        "other  3/2/2, limit 2   1,000       20,000     30      1.2      23      35/36  FAILED",
        "",
        "other: never seen: it rains",
        "other: transitions: 20,000, pinned 20,001",
        "other: depth: 30, pinned 31",
    ]


def test_a_search_stopped_by_a_bug_need_not_see_everything() -> None:
    assert table([judge("same", STOPPED)]).splitlines()[1].split()[-2:] == ["-", "FAILED"]
