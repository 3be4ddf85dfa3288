"""The device is sound after an exception at any point of any public call; where it is not, that is found at once."""

import gc
import time
from collections.abc import Callable, Iterator

import pytest

from stateful.interrupts import points, soundness
from stateful.interrupts.calls import CALLS, ON_THEIR_OWN, UNINTERESTING
from stateful.interrupts.command import do, quick_rounds
from stateful.interrupts.search import NAMES, Where, search, summed
from stateful.interrupts.worlds import Maker, making
from tests.stateful.mistakes import Mistake, instead_of
from zram_impl import Zram
from zram_impl.bdev.device import BackingDevice
from zram_impl.pages.backing_reads import BackingReads
from zram_impl.runtime import ThreadRuntime
from zram_impl.shield import Interrupts
from zram_impl.table.entries import Entry
from zram_impl.table.slot_table import SlotTable
from zram_impl.units import PAGE_SIZE, BlkIdx

pytestmark = pytest.mark.usefixtures("unmeasured")

SECONDS_TO_FIND = 5.0


@pytest.fixture
def make() -> Iterator[Maker]:
    with making() as maker:
        yield maker


def test_every_public_name_of_a_device_is_called() -> None:
    public = {name for name in dir(Zram) if not name.startswith("_")}
    called = {call.of for call in CALLS.values()}
    assert public - called - UNINTERESTING - ON_THEIR_OWN == set()
    assert (UNINTERESTING | ON_THEIR_OWN | called) - {"Node", "PageMap", "passes", "openers"} <= public


# What lands in a callback of a weak reference, of the interpreter's own sets too, is reported and dropped by it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", NAMES)
def test_the_device_is_sound_wherever_an_exception_lands(name: str, make: Maker) -> None:
    searched = [do(each, make) for each in quick_rounds([name])]
    assert [text for each in searched for text in summed(each.found)] == []
    assert searched[0].points > 0


REPLACE, SHIELDED = SlotTable.replace, ThreadRuntime.shielded


@instead_of(ThreadRuntime, "shielded")
def unshielded(
    _self: ThreadRuntime, run: Callable[[Interrupts], object], _lost: Callable[[object], object] | None = None
) -> object:
    return run(Interrupts())


@instead_of(SlotTable, "replace")
def a_call_before_the_counters(self: SlotTable, index: int, entry: Entry) -> None:
    before = self.compr_data_size
    REPLACE(self, index, entry)
    after, self.compr_data_size = self.compr_data_size, before
    len(())
    self.compr_data_size = after


@instead_of(BackingReads, "read")
def a_reader_counted_before_the_try(self: BackingReads, device: BackingDevice, blk_idx: BlkIdx) -> bytes:
    token = object()
    self._under_way.add(token)
    page = bytearray(PAGE_SIZE)
    with memoryview(page) as into:
        device.read(blk_idx, into)
    self._under_way.discard(token)
    return bytes(page)


@instead_of(ThreadRuntime, "shielded")
def results_are_lost(
    self: ThreadRuntime, run: Callable[[Interrupts], object], _lost: Callable[[object], object] | None = None
) -> object:
    return SHIELDED(self, run)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # what is broken may be past closing
@pytest.mark.parametrize(
    ("break_it", "call", "step"),
    [
        (unshielded, "reset", 1),
        (unshielded, "writeback, huge_idle", 5),
        (a_call_before_the_counters, "write_page, stored", 1),
        (a_reader_counted_before_the_try, "read_page, written back", 1),
        (results_are_lost, "begin_writeback", 1),
    ],
)
def test_a_mending_taken_out_is_found_at_once(
    break_it: Mistake, call: str, step: int, make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_it(monkeypatch)
    monkeypatch.setattr(soundness, "PATIENCE", 1.0)  # some hang, and who waits for them need not wait for long
    monkeypatch.setattr(points, "WATCHDOG_SECONDS", 1.0)
    began = time.monotonic()

    class FoundError(Exception):
        pass

    def report(text: str) -> None:
        if not text.endswith(" 0 wrong"):
            raise FoundError

    with pytest.raises(FoundError):
        search(call, make, where=Where(step=step), report=report)
    spent = time.monotonic() - began
    gc.collect()
    assert spent < SECONDS_TO_FIND
