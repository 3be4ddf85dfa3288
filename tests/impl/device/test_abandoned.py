"""An abandoned device, one that does not answer and that nobody waits for any more: it is left to the process."""

import threading
from collections.abc import Iterator

import pytest

from tests.impl.doubles import PATIENCE, Gate, HookedDevice, page
from zram_impl import PAGE_SIZE, Zram, ZramError
from zram_impl.passes.base import PassProgress
from zram_impl.passes.writeback import WritebackPass
from zram_impl.runtime import UnshieldedRuntime
from zram_impl.shield import Interrupts


class Hung:
    """A device whose backing device has stopped answering in the middle of a pass that was abandoned."""

    def __init__(self) -> None:
        self.gate, self.backing = Gate(), HookedDevice()
        self.backing.before_write = self.gate.stop
        self.dev = Zram.create(2 * PAGE_SIZE, backing=self.backing, runtime=UnshieldedRuntime())
        self.dev.write_page(0, page(0))
        self.running: WritebackPass = self.dev.begin_writeback(pages=[0])
        while self.running.advance() is not PassProgress.WAIT:
            pass
        self.gate.wait_for_arrival()
        self.running.cancel()
        self.running.abandoned = True


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hung]:
    monkeypatch.setattr("zram_impl.device.passes.LAST_WAITS", 1)
    made = Hung()
    yield made
    made.gate.open()
    made.running._engine.close()  # its threads are left to the process: here, to the tests that follow


def test_a_close_gives_up_and_leaves_the_backing_device_open(hung: Hung) -> None:
    hung.dev.close()
    assert (hung.backing.closed, hung.dev.pages, hung.dev.backing_name) == (0, 0, None)


def test_a_close_that_nobody_waits_for_gives_up_as_well(hung: Hung) -> None:
    """The task that drives the pass still waits, but the close was interrupted twice."""
    hung.running.abandoned = False
    twice = Interrupts()
    twice.abandoned = True
    closing = threading.Thread(target=hung.dev._life._close, args=[twice], daemon=True)
    closing.start()
    closing.join(PATIENCE)
    assert not closing.is_alive(), "the close waits for a device that does not answer"
    assert (hung.backing.closed, hung.dev.pages) == (0, 0)


def test_pages_can_be_used_until_then(hung: Hung) -> None:
    assert hung.dev.read_page(0) == page(0)
    hung.dev.write_page(1, page(1))
    assert hung.dev.stats.mm.orig_data_size == 2 * PAGE_SIZE
    with pytest.raises(ZramError, match="another writeback or recompression is running"):
        hung.dev.writeback(pages=[1])
    hung.dev.close()


def test_a_reset_device_takes_another_backing_device(hung: Hung) -> None:
    hung.dev.reset()
    other = HookedDevice(name="other")
    hung.dev.set_backing(other)
    hung.dev.initialise(PAGE_SIZE)
    hung.dev.write_page(0, page(7))
    assert hung.dev.writeback(pages=[0]).written == 1
    hung.gate.open()
    assert hung.dev.read_page(0) == page(7)
    hung.dev.close()
    assert (other.closed, hung.backing.closed) == (1, 0)


def test_a_device_that_answers_in_time_is_closed(hung: Hung) -> None:
    hung.gate.open()
    hung.dev.close()
    assert (hung.backing.closed, hung.running.result.written, hung.running.stage.name) == (1, 1, "OVER")
