"""Findings that no seeded bug can express: wrong as the driver does it, never with the mend."""

import pytest

from tests.kernel.command import main
from tests.kernel.mends import MENDS, Mend, search


@pytest.mark.parametrize("mend", MENDS, ids=lambda mend: str(mend.number))
def test_mend_holds_and_is_needed(mend: Mend) -> None:
    assert search(mend, mended=True).way == ()
    assert search(mend, mended=False).way != ()


def test_shortest_ways_are_those_of_the_findings() -> None:
    twice, early, reset = [search(mend, mended=False).way for mend in MENDS]
    assert [step for step in twice if step.startswith(("scan", "submit"))] == [
        *("scan(0)", "scan(0)", "submit(0, 0)", "submit(0, 1)"),
    ]
    assert early[-1] == "end_pass()"
    assert early.index("give_up(1)") < early.index("device_error(0)"), "the page is given up before the write fails"
    assert reset == ("reset()",)


def test_command_says_both(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["mends"]) == 0
    said = capfd.readouterr().out
    assert "27: no page is under way to two blocks\n  as the driver: not after 11 steps: write(0, 0), " in said
    assert said.count("with the mend: holds in all ") == len(MENDS)
    monkeypatch.setattr("tests.kernel.mends.MENDS", [MENDS[2]._replace(driver={})])
    assert main(["mends"]) == 1
