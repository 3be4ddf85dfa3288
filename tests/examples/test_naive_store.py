"""The second device of the seam: correct to every layer, and which of its five bugs each layer finds."""

from collections.abc import Callable
from pathlib import Path

import pytest

from examples.naive_store.bugs import BUGS
from examples.naive_store.store import NaiveStore
from stateful import command
from stateful.api_fuzz.device_fuzz import device_inputs
from stateful.conformance.device_replay import device_replay
from stateful.conformance.job import RECORDINGS
from stateful.conformance.schema import read_recording
from stateful.fuzzing.sources import of_played
from stateful.lockstep.run_machine import Until, machines, run_machine
from stateful.metamorphic import independence
from stateful.schedules.policies import exhaust
from stateful.schedules.run import Execution, execute
from stateful.schedules.scenarios import SCENARIOS
from stateful.seam.chosen import load, using
from stateful.seam.zram import ours
from stateful.stress import device_threads
from stateful.traces.check import judge
from stateful.traces.schema import read
from zram_impl import PAGE_SIZE

RECORDED = ("discard_ranges", "h29_overwrite_free_reuse", "many_ranges", "tw017", "cw_batch1")
"""Recordings that are for any store."""
STORE = "examples.naive_store.store:NaiveStore"
ROOT = Path(__file__).resolve().parents[2]


def machine(_folder: Path) -> str:
    """Run the machines; return the property that is broken."""
    found = [run_machine(each, Until(examples=50), shrink=False).found for each in machines().values()]
    return next(filter(None, found), "")


def schedules(_folder: Path) -> str:
    """Run the scenarios under every schedule of one preemption; return the first finding."""
    played = first_finding()
    return "" if played is None else played.found


def first_finding() -> Execution | None:
    """Return the first run of the scenarios that shows something."""
    for what in SCENARIOS.values():
        for attempt in exhaust(1):
            played = execute(what, attempt.policy)
            attempt.schedule = played.schedule
            if played.found:
                return played
    return None


def metamorphic(_folder: Path) -> str:
    """Run programs with several batch sizes; return the difference."""
    return str(independence.run(60, 0, shrink=False).finding or "")


def api_fuzz(_folder: Path) -> str:
    """Call everything with arguments of any kind; return the first finding."""
    return next((each.what for each in device_inputs(1, 500)), "")


def threads(_folder: Path) -> str:
    """Let threads run; return what is wrong."""
    return next(iter(device_threads.run(0.3).problems), "")


def traces(folder: Path) -> str:
    """Record a trace and judge it; return what is wrong."""
    path = folder / "trace.jsonl"
    device_threads.run(0.3, trace=path)
    with path.open(encoding="utf-8") as file:
        return judge(read(file)).problem


def conformance(_folder: Path) -> str:
    """Replay the recordings that are for any store; return the first difference."""
    replayed = [device_replay(read_recording(RECORDINGS, name)) for name in RECORDED]
    assert [each for each in replayed if not each.left_out]
    return next((each.line for done in replayed for each in done.differences), "")


LAYERS: tuple[Callable[[Path], str], ...] = (machine, schedules, metamorphic, api_fuzz, threads, traces, conformance)
FOUND = {
    "loses_update": {"machine", "schedules", "threads", "traces"},
    "leaks_on_error": {"machine", "schedules", "threads", "traces"},
    "reads_stale": {"schedules"},
    "fails_together": {"metamorphic"},
    "counts_from_the_end": {"api_fuzz"},
}
"""The layers that find a bug; docs/how-to-your-device.md shows the same."""


def test_the_store_is_at_most_150_lines() -> None:
    assert len((ROOT / "examples/naive_store/store.py").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.__name__)
@pytest.mark.parametrize("name", [STORE, "stateful.seam.zram:ours"])
def test_no_layer_finds_anything_in_a_correct_device(name: str, layer: Callable[[Path], str], tmp_path: Path) -> None:
    if name == STORE:
        with using(load(name)):
            assert layer(tmp_path) == ""
    else:
        # As somebody would see it who cannot look inside.
        outside = load(STORE)._replace(make=ours, capabilities=ours.capabilities - {"zram"})
        with using(outside):
            assert layer(tmp_path) == ""


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_is_found_by_the_layers_that_should(bug: str, tmp_path: Path) -> None:
    with using(load(f"examples.naive_store.bugs:{bug}")):
        found = {layer.__name__ for layer in LAYERS if layer(tmp_path)}
    assert found == FOUND[bug]


class KeepsPlaces(NaiveStore):
    """A discarded page is one of zeros that is stored: it reads as it should, and is there although it should not."""

    def discard(self, page: int) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        self.write(page, bytes(PAGE_SIZE))


class ReadsZeros(NaiveStore):
    """A written-back page reads as zeros."""

    def read(self, page: int) -> bytes:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        return bytes(PAGE_SIZE) if self.state().slots[page] == "W" else super().read(page)


@pytest.mark.parametrize(("kind", "field"), [(KeepsPlaces, "pages"), (ReadsZeros, "crc")])
def test_recordings_find_what_a_user_sees_without_threads(kind: type[NaiveStore], field: str, tmp_path: Path) -> None:
    with using(load(STORE)._replace(make=kind)):
        assert field in conformance(tmp_path)


def test_a_token_of_the_store_is_replayed_to_the_same_finding(capsys: pytest.CaptureFixture[str]) -> None:
    with using(load("examples.naive_store.bugs:reads_stale")):
        played = first_finding()
        assert played is not None
        token = of_played(played).token
    code = command.main(["replay", token, "--device", "examples.naive_store.bugs:reads_stale"])
    assert (code, "linearizable" in capsys.readouterr().out) == (1, True)
    assert command.main(["replay", token, "--device", STORE]) == 0
