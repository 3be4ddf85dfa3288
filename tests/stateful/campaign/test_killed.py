"""A campaign in processes: whichever is killed, the findings are the same and nothing is counted twice."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from stateful.campaign import campaign as campaigns
from stateful.campaign.campaign import Campaign, CampaignOrder
from stateful.campaign.chunk import row_of
from stateful.campaign.engines import LocalEngine
from stateful.campaign.journal import CampaignDirectory
from stateful.seam.chosen import OURS
from tests.stateful.campaign.inline import InlineEngine, campaign
from tests.stateful.campaign.processes import BUG, ROOT, SEEDS, arguments, begun, children, journal, seeds_of


def test_a_seed_that_takes_too_long_is_a_finding(tmp_path: Path) -> None:
    """The time is less than a process takes to begin."""
    directory = CampaignDirectory(tmp_path / "c", OURS, "")
    running = Campaign(directory, CampaignOrder(["exhausted"], 0, 1, 1e9, chunk_seconds=0.05))
    running.run(LocalEngine(1, grace=0.05), lambda _line, _chunks: None)
    directory.close()
    assert running.totals.findings == {("exhausted", campaigns.KILLED, ""): 0}
    assert "no answer: stopped after 0 s" in running.totals.texts["exhausted", campaigns.KILLED, ""]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, tuple[int, object]]:
    place = tmp_path_factory.mktemp("expected") / "c"
    campaign(place, InlineEngine(), SEEDS, BUG)
    return seeds_of(place)


def test_a_killed_worker_changes_no_finding(tmp_path: Path, expected: Mapping[int, tuple[int, object]]) -> None:
    place = tmp_path / "c"
    process = begun(place)
    os.kill(children(process.pid)[0], signal.SIGKILL)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1, out
    assert seeds_of(place) == expected
    assert out.splitlines()[-1] == "FAILED: 1 findings"


def test_a_killed_campaign_loses_no_seed_it_had_done(
    tmp_path: Path, expected: Mapping[int, tuple[int, object]]
) -> None:
    place = tmp_path / "c"
    process = begun(place, "--workers", "1")
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    kept = journal(place)
    done = subprocess.run(
        [sys.executable, "-m", "stateful", *arguments(place)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert f"resumes after {len([line for line in kept if row_of(line)])} seeds" in done.stdout
    assert journal(place)[: len(kept)] == kept
    assert seeds_of(place) == expected


def test_an_interrupted_campaign_says_what_it_has_done(tmp_path: Path) -> None:
    process = begun(tmp_path / "c")
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert " findings" in out
    assert out.splitlines()[-1] == "interrupted"
