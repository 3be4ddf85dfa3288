"""Lengths of waits: a wait that somebody else may have to end looks up at times, and none spins."""

from collections.abc import Callable
from functools import partial

from tests.impl.aside import Aside
from tests.impl.doubles import Gate, HookedDevice, huge
from tests.impl.engine.ring_doubles import DeviceQueue
from tests.impl.fake_device import FakeDevice, closing
from tests.impl.noted_waits import LONGEST, SHORTEST, NotingRuntime
from zram_impl import PAGE_SIZE, Quirks, Zram
from zram_impl.engine.ring import RingEngine


class Waiting:
    """A device whose writes and reads are held, and who waits for what."""

    def __init__(self, *, pass_waits: bool = False) -> None:
        self.runtime, backing = NotingRuntime(), HookedDevice(4)
        self.written, self.read = Gate(), Gate()
        self.dev = Zram.create(
            4 * PAGE_SIZE, backing=backing, runtime=self.runtime, quirks=Quirks(pass_waits=pass_waits)
        )
        self.dev.write_page(0, huge(0))
        backing.before_write, backing.before_read = self.written.stop, self.read.stop

    def beside(self, gate: Gate, first: Callable[[], object], second: Callable[[], object], waits_for: str) -> None:
        """Let the first call reach a gate, then the second wait for it; both end when the gate is opened."""
        calls = [Aside(first)]
        gate.wait_for_arrival()
        calls.append(Aside(second))
        while not self.runtime.waits[waits_for]:
            assert not calls[1].over
        gate.open()
        for call in calls:
            call.join()


def test_only_threads_of_an_engine_wait_without_a_timeout() -> None:
    it = Waiting()
    dev, waits = it.dev, it.runtime.waits
    it.beside(it.written, partial(dev.writeback, "huge"), dev._life.live().wait_for_pass, "pass ended")
    it.beside(it.read, partial(dev.read_page, 0), dev.close, "backing reads ended")
    assert (waits.pop("engine.work"), waits.pop("pass ended")) == ({None}, {None})
    assert set(waits) == {"engine.answers", "backing reads ended"}
    for name, seconds in waits.items():
        assert all(each is not None and SHORTEST <= each <= LONGEST for each in seconds), f"{name}: {seconds}"
        assert seconds, name


def test_waiting_for_a_pass_can_be_interrupted() -> None:
    it = Waiting(pass_waits=True)
    with it.dev as dev:
        it.beside(it.written, partial(dev.writeback, "huge"), partial(dev.writeback, "huge"), "pass ended")
        (seconds,) = it.runtime.waits["pass ended"]
        assert seconds is not None
        assert SHORTEST <= seconds <= LONGEST


def test_who_waits_for_a_ring_looks_up_at_times() -> None:
    runtime = NotingRuntime()
    device = FakeDevice()
    with closing(RingEngine(device, runtime, DeviceQueue(device), depth=16)) as engine:
        assert engine.answered(wait=True) == []
        (seconds,) = runtime.waits["engine.answers"]
        assert seconds is not None
        assert SHORTEST <= seconds <= LONGEST
