"""How long is waited for: a wait that somebody else may have to end looks up at times, and none spins."""

import threading
from functools import partial

from tests.impl.doubles import PATIENCE, Gate, HookedDevice, huge
from tests.impl.engine.ring_doubles import DeviceQueue
from tests.impl.fake_device import FakeDevice, closing
from tests.impl.noted_waits import LONGEST, SHORTEST, NotingRuntime
from zram_impl import PAGE_SIZE, Quirks, Zram
from zram_impl.engine.ring import RingEngine


def test_only_threads_of_an_engine_wait_without_a_timeout() -> None:
    runtime, backing, written, read = NotingRuntime(), HookedDevice(4), Gate(), Gate()
    dev = Zram.create(4 * PAGE_SIZE, backing=backing, runtime=runtime)
    dev.write_page(0, huge(0))
    backing.before_write = written.stop
    backing.before_read = read.stop

    threads = [threading.Thread(target=partial(dev.writeback, "huge"), daemon=True)]
    threads[0].start()
    written.wait_for_arrival()
    threads.append(threading.Thread(target=dev._life.live().wait_for_pass, daemon=True))
    threads[1].start()
    while not runtime.waits["pass ended"]:
        assert threads[1].is_alive()
    written.open()
    for thread in threads:
        thread.join(PATIENCE)
    threads.append(threading.Thread(target=partial(dev.read_page, 0), daemon=True))
    threads[2].start()
    read.wait_for_arrival()
    threads.append(threading.Thread(target=dev.close, daemon=True))
    threads[3].start()
    while not runtime.waits["backing reads ended"]:
        assert threads[3].is_alive()
    read.open()
    for thread in threads:
        thread.join(PATIENCE)
    assert [thread.is_alive() for thread in threads] == [False] * 4
    waits = runtime.waits
    assert (waits.pop("engine.work"), waits.pop("pass ended")) == ({None}, {None})
    assert set(waits) == {"engine.answers", "backing reads ended"}
    for name, seconds in waits.items():
        assert all(each is not None and SHORTEST <= each <= LONGEST for each in seconds), f"{name}: {seconds}"
        assert seconds, name


def test_waiting_for_a_pass_can_be_interrupted() -> None:
    runtime, backing, written = NotingRuntime(), HookedDevice(4), Gate()
    quirks = Quirks(pass_waits=True)
    with Zram.create(4 * PAGE_SIZE, backing=backing, runtime=runtime, quirks=quirks) as dev:
        dev.write_page(0, huge(0))
        backing.before_write = written.stop
        threads = [threading.Thread(target=partial(dev.writeback, "huge"), daemon=True)]
        threads[0].start()
        written.wait_for_arrival()
        threads.append(threading.Thread(target=partial(dev.writeback, "huge"), daemon=True))
        threads[1].start()
        while not runtime.waits["pass ended"]:
            assert threads[1].is_alive()
        written.open()
        for thread in threads:
            thread.join(PATIENCE)
        (seconds,) = runtime.waits["pass ended"]
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
