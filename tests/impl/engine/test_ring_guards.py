"""The ring engine under the guards: every field accessed as declared, and calls in pairs, switched at each access.

The ring is one of ours, which waits on a condition of the runtime: nobody can switch within the system's.
"""

from functools import partial

import pytest

from stateful.guards.hooks import installed
from stateful.pairs import checks, world
from stateful.pairs.explore import Explorer
from stateful.pairs.states import BY_NAME
from tests.impl.engine.ring_doubles import DeviceQueue
from tests.stateful.guards.seeded import Mistake
from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.background import BackgroundEngine
from zram_impl.engine.ring import RingEngine
from zram_impl.runtime import Runtime

# Coverage's tracer takes what several greenlets of a thread call for the calls of one.
pytestmark = pytest.mark.usefixtures("unmeasured")


def make_ring(device: BackingDevice, runtime: Runtime, *, depth: int, threads: int, room: int = 64) -> RingEngine:
    queue = DeviceQueue(device, runtime)
    queue.room = room
    return RingEngine(device, runtime, queue, depth=depth, split=threads)


def findings(state: str, first: str, second: str) -> list[str]:
    judge = checks.judge()
    with installed(judge):
        explorer = Explorer(BY_NAME[state], judge, every=True)
        explorer.pair(first, second)
    assert explorer.findings or explorer.meetings > 2
    return explorer.findings


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Zram.writeback", "Zram.write_page"),
        ("Zram.writeback", "Zram.writeback"),
        ("Zram.writeback", "Zram.reset"),
        ("Zram.close", "Zram.writeback"),
        ("Zram.read_page", "Zram.writeback"),
    ],
)
def test_pairs_of_calls_are_sound_on_a_ring(first: str, second: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "ThreadEngine", make_ring)
    found = findings("stored", first, second)
    assert not found, "\n".join(found)


MISTAKES = (
    Mistake(
        "a queue swapped after the unlock", BackgroundEngine, "answered",
        "            done, self._done = self._done, []\n",
        "            done = self._done\n        self._done = []\n",
        "BackgroundEngine._done is written without lock engine.answers",
    ),
    Mistake(
        "nobody woken", BackgroundEngine, "_put", "        self._answers.notify_all()\n", "",
        "engine.answers is not notified",
    ),
    Mistake(
        "a place taken without the lock", RingEngine, "_submit",
        "        with self._answers:\n            writes", "        if True:\n            writes",
        "RingEngine._free is read without lock engine.answers",
    ),
)  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake.name for mistake in MISTAKES])
def test_a_mistake_of_a_ring_is_named(mistake: Mistake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "ThreadEngine", make_ring)
    with mistake.made():
        assert mistake.names in "\n".join(findings("stored", "Zram.writeback", "Zram.write_page"))


def test_a_place_given_back_without_the_lock_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "ThreadEngine", partial(make_ring, room=0))
    mistake = Mistake(
        "a place given back without the lock", RingEngine, "_submit",
        "        with self._answers:\n                self._unplace", "        if True:\n                self._unplace",
        "RingEngine._places is read without lock engine.answers",
    )  # fmt: skip
    assert not findings("stored", "Zram.writeback", "Zram.write_page")
    with mistake.made():
        assert mistake.names in "\n".join(findings("stored", "Zram.writeback", "Zram.write_page"))
