"""Real signals: what they break is found, and where nothing is broken nothing is."""

import subprocess
import sys
from pathlib import Path

import pytest

from stateful.interrupts.storm import storm

pytestmark = pytest.mark.usefixtures("unmeasured")

ROOT = Path(__file__).resolve().parents[3]

LANDED_LEAST = 5

# In a process of its own: of a device without its shield a late exception may land anywhere.
UNSHIELDED = """
import os
from stateful.interrupts import soundness
from stateful.interrupts import storm as storms
from stateful.interrupts.storm import storm
from zram_impl.runtime import ThreadRuntime
from zram_impl.shield import Interrupts
ThreadRuntime.shielded = lambda self, run, lost=None: run(Interrupts())
soundness.PATIENCE = storms.WATCHDOG_SECONDS = 0.5
for seed in range(20):
    if storm(seed, 0.2).found:
        print("found", flush=True)
        os._exit(0)
"""


def test_a_storm_finds_nothing_where_nothing_is() -> None:
    landed = 0
    for seed in range(100):  # as many as it takes: how many rounds a second has is the machine's affair
        came = storm(seed, 0.5)
        assert came.found == ()
        landed += came.landed
        if landed > LANDED_LEAST:
            break
    assert landed > LANDED_LEAST


def test_a_storm_finds_a_call_without_its_shield() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", UNSHIELDED], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert "found" in ran.stdout, ran.stderr
