"""Driving a pass to its end: callbacks, cancelling, and interrupts delivered by signal while a device is slow."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.impl.doubles import PATIENCE, Bench, Gate, HookedDevice, page
from tests.impl.passes.driving import assert_adds_up, assert_at_rest
from tests.refused import raising
from zram_impl import PAGE_SIZE, WritebackResult, Zram, ZramError
from zram_impl.decisions import SlotKind
from zram_impl.faults import ScarceThreads
from zram_impl.passes.drive import drive, run_pass
from zram_impl.passes.writeback import WritebackPass
from zram_impl.runtime import Runtime, ThreadRuntime, UnshieldedRuntime
from zram_impl.shield import Interrupts

ON_THE_SHIELD = ThreadRuntime()
RUNTIMES: dict[str, Runtime] = {
    "here": UnshieldedRuntime(),
    "on the shield": ON_THE_SHIELD,
    "here for want of threads": ScarceThreads(ThreadRuntime()),
}
every_runtime = pytest.mark.parametrize("runtime", list(RUNTIMES.values()), ids=list(RUNTIMES))


pytestmark = pytest.mark.usefixtures("no_thread_is_left")


def begun(running: WritebackPass) -> Callable[[Interrupts], WritebackPass]:
    return lambda _interrupts: running


def once_settled(do: Callable[[], object]) -> Callable[[int, int], None]:
    """Return a callback that does something when one page is settled."""

    def progress(settled: int, _selected: int) -> None:
        if settled == 1:
            do()

    return progress


def begin_three(bench: Bench) -> WritebackPass:
    bench.store(0, 1, 2)
    return bench.dev.begin_writeback(pages=[0, 1, 2])


@every_runtime
def test_a_pass_is_driven_to_its_end(runtime: Runtime) -> None:
    bench = Bench(batch_size=1)
    assert drive(begun(begin_three(bench)), runtime, None, None) == WritebackResult(selected=3, written=3)
    assert_at_rest(bench)


@every_runtime
def test_a_raising_callback_cancels_the_pass_and_is_reraised(runtime: Runtime) -> None:
    bench, calls = Bench(batch_size=1), list[int]()
    running = begin_three(bench)

    def progress(settled: int, _selected: int) -> None:
        calls.append(settled)
        if settled == 1:
            raise KeyError("the caller's own")

    with pytest.raises(KeyError, match="the caller's own"):
        drive(begun(running), runtime, progress, None)
    assert (running.result, calls[-1]) == (WritebackResult(selected=3, written=1, left=2, stopped_by="cancelled"), 1)
    assert_at_rest(bench)


@every_runtime
def test_an_event_set_in_the_middle_cancels_the_pass(runtime: Runtime) -> None:
    bench, cancel = Bench(batch_size=1), threading.Event()
    result = drive(begun(begin_three(bench)), runtime, once_settled(cancel.set), cancel)
    assert result == WritebackResult(selected=3, written=1, left=2, stopped_by="cancelled")
    assert_at_rest(bench)


def test_a_pass_that_is_abandoned_stays_abandoned() -> None:
    """A driver of a pass stored the flag again at every step, and could undo what another had stored."""
    bench = Bench()
    running = begin_three(bench)
    running.abandoned = True
    stored = list[bool]()

    class Stores(WritebackPass):
        def __setattr__(self, name: str, value: object) -> None:  # type: ignore[explicit-override]  # typing: 3.12
            stored.extend([bool(value)] if name == "abandoned" else [])
            super().__setattr__(name, value)

    running.__class__ = Stores
    run_pass(running, Interrupts(), None, None)
    assert (running.abandoned, stored) == (True, [])


def test_a_callback_may_reset_the_device() -> None:
    bench = Bench(batch_size=1)
    result = drive(begun(begin_three(bench)), ON_THE_SHIELD, once_settled(bench.dev.reset), None)
    assert (result, bench.backing.closed) == (WritebackResult(selected=3, written=1, left=2, stopped_by="cancelled"), 1)


def test_a_callback_may_not_begin_another_pass() -> None:
    bench = Bench(batch_size=1)
    another = once_settled(lambda: bench.dev.writeback("huge"))
    with pytest.raises(ZramError, match="another writeback or recompression is running"):
        drive(begun(begin_three(bench)), ON_THE_SHIELD, another, None)
    assert_at_rest(bench)


def test_what_goes_wrong_on_the_shield_is_raised_in_the_caller() -> None:
    bench = Bench()
    running = begin_three(bench)
    running.advance = raising(AssertionError, "a bug")  # type: ignore[method-assign]  # on purpose
    with pytest.raises(AssertionError, match="a bug"):
        drive(begun(running), ON_THE_SHIELD, None, None)


# Interrupts


class SlowDevice(HookedDevice):
    """Its writes wait at a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()
        self.before_write = self.gate.stop


class Interrupter:
    """Sends Ctrl-C to the main thread while that waits for the shield."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def first(self) -> None:
        """Interrupt the main thread; return when the pass is cancelled."""
        self.second()
        assert self.cancelled.wait(PATIENCE), "the pass is cancelled"

    def second(self) -> None:
        """Interrupt the main thread, whatever it does."""
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    @contextmanager
    def doing(self, script: Callable[[], None]) -> Iterator[None]:
        """Run `script` beside the block."""
        thread = threading.Thread(target=script)
        thread.start()
        yield
        thread.join(PATIENCE)


@pytest.fixture
def interrupter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Interrupter]:
    made, cancel = Interrupter(), WritebackPass.cancel

    def noted_cancel(running: WritebackPass) -> None:
        cancel(running)
        made.cancelled.set()

    monkeypatch.setattr(WritebackPass, "cancel", noted_cancel)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield made
    signal.signal(signal.SIGINT, before)


def slow() -> tuple[Zram, SlowDevice]:
    backing = SlowDevice()
    dev = Zram.create(8 * PAGE_SIZE, backing=backing, batch_size=2)
    for number in range(8):
        dev.write_page(number, page(number))
    return dev, backing


def test_an_interrupt_is_raised_after_the_writes_in_flight(interrupter: Interrupter) -> None:
    dev, backing = slow()

    def script() -> None:
        backing.gate.wait_for_arrival()
        interrupter.first()
        backing.gate.open()

    with interrupter.doing(script), pytest.raises(KeyboardInterrupt):
        dev.writeback(pages=range(8))
    now = dev.snapshot()
    written = [number for number, slot in enumerate(now.slots) if slot.kind is SlotKind.WB]
    assert (len(written), now.bd_count, now.requests, [s for s in now.slots if s.owned]) == (2, 2, (), [])
    assert [dev.read_page(number) for number in range(8)] == [page(number) for number in range(8)]
    assert dev.writeback(pages=range(8)) == WritebackResult(selected=6, written=6)
    dev.close()


def test_a_second_interrupt_abandons_a_hung_device(interrupter: Interrupter) -> None:
    dev, backing = slow()

    def script() -> None:
        backing.gate.wait_for_arrival()
        interrupter.first()
        interrupter.second()

    with interrupter.doing(script), pytest.raises(KeyboardInterrupt):
        dev.writeback(pages=range(8))
    running = dev._life.live().running
    assert isinstance(running, WritebackPass)
    with pytest.raises(ZramError, match="another writeback or recompression is running"):
        dev.writeback(pages=[7])
    backing.gate.open()
    dev.close()
    assert_adds_up(running.result)
    assert (running.result.written, running.result.left, running.result.stopped_by) == (2, 6, "cancelled")
    assert backing.closed == 1


@pytest.mark.parametrize("interrupts", [1, 2])
def test_without_a_worker_an_interrupt_is_raised_after_the_end(interrupts: int) -> None:
    bench = Bench(batch_size=1)

    def interrupt() -> None:
        for _ in range(interrupts):
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    running = begin_three(bench)
    with pytest.raises(KeyboardInterrupt):
        drive(begun(running), RUNTIMES["here for want of threads"], once_settled(interrupt), None)
    assert running.result.stopped_by == "cancelled"
    assert_adds_up(running.result)
    assert_at_rest(bench)
    assert signal.getsignal(signal.SIGINT) is before


@every_runtime
def test_a_cancel_that_raises_ends_the_pass(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, cancel = Bench(), threading.Event()
    monkeypatch.setattr(cancel, "is_set", raising(LookupError, "no answer"))
    with pytest.raises(LookupError, match="no answer"):
        drive(begun(begin_three(bench)), runtime, None, cancel)
    assert_at_rest(bench)
    assert bench.dev.writeback(pages=[0]).written == 1
