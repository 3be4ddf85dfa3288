"""An interrupted search shows what it has found by then."""

import json
import signal
from collections.abc import Callable

import pytest

from spec.explore import command as explore
from spec.explore.bfs import search
from spec.explore.workers import ExploreProgress
from spec.processes.interrupts import Interrupted
from spec.scope import Scope

TINY = Scope(1, 1, 1, limit=0)


@pytest.fixture
def searching(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches side by side of which one ends before the signal."""

    def search_each(
        _scopes: object, progress: Callable[[ExploreProgress], None], *_rest: object, **given: object
    ) -> None:
        found = given["found"]
        assert isinstance(found, dict)
        found["flags"] = search(TINY)
        progress(ExploreProgress("base", 3, 100, 10))
        raise Interrupted(signal.SIGHUP)

    monkeypatch.setattr(explore, "search_each", search_each)


@pytest.mark.usefixtures("searching")
def test_scopes_that_are_done_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Interrupted):
        explore.main([])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[:2]] == ["scope", "flags"]


@pytest.mark.usefixtures("searching")
def test_scopes_that_are_done_are_data(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Interrupted):
        explore.main(["--json"])
    said = json.loads(capsys.readouterr().out)
    assert said["verdict"] == "failed"  # another scope than the one whose counts are pinned
    assert [each["name"] for each in said["checks"]] == ["flags"]


def test_one_search_says_how_far_it_was(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_scope: Scope, _actions: object, report: Callable[[int, int, int], None], **_rest: object) -> None:
        report(3, 100, 10)
        raise KeyboardInterrupt

    monkeypatch.setattr(explore, "search", interrupted)
    with pytest.raises(KeyboardInterrupt):
        explore.main(["--slots", "1"])
    assert capsys.readouterr().out == "scope: 100 states to depth 3 searched, no property broken\n"
    with pytest.raises(KeyboardInterrupt):
        explore.main(["--slots", "1", "--json"])
    assert json.loads(capsys.readouterr().out)["verdict"] == "incomplete"
