"""After any fault: no page that can be had is lost, nothing is left over, and the result says what is so."""

import errno
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.impl.doubles import huge, page, same
from tests.impl.engine.ring_doubles import DeviceQueue
from tests.refused import refused
from zram_impl import PAGE_SIZE, WritebackResult, Zram, ZramError
from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.file import open_file
from zram_impl.decisions import SlotKind
from zram_impl.device.engines import MakeEngine
from zram_impl.engine.protocol import Engine
from zram_impl.engine.request import WbReq
from zram_impl.engine.ring import RingEngine
from zram_impl.engine.sync import SyncEngine
from zram_impl.engine.threads import ThreadEngine
from zram_impl.faults import (
    Chosen,
    Corrupting,
    Failing,
    Full,
    Operation,
    Reordering,
    ScarceBuffers,
    ScarceThreads,
    Short,
    Torn,
    at_random,
    every_nth,
    nth,
    on_blocks,
    since,
)
from zram_impl.passes import request_pool
from zram_impl.passes.base import PassStage
from zram_impl.runtime import Runtime, ThreadRuntime

PAGES, BLOCKS, LIMIT = 12, 10, 9
Surround = Callable[[BackingDevice], BackingDevice]


ENGINES: dict[str, MakeEngine] = {
    "sync": lambda device, _runtime: SyncEngine(device, depth=8),
    "threads": lambda device, runtime: ThreadEngine(device, runtime, depth=8),
    "ring": lambda device, runtime: RingEngine(device, runtime, DeviceQueue(device), depth=8),
}


class World:
    """A device on a real file, what its pages are, and a limit on what may be written."""

    def __init__(
        self,
        path: Path,
        surround: Surround,
        *,
        engine: MakeEngine,
        runtime: Runtime | None,
        batch_size: int,
    ) -> None:
        self.backing = surround(open_file(path, size=BLOCKS * PAGE_SIZE))
        self.dev = Zram.create(
            PAGES * PAGE_SIZE, backing=self.backing, batch_size=batch_size, engine=engine, runtime=runtime
        )
        self.dev.set_writeback_limit(LIMIT)
        self.dev.enable_writeback_limit(True)
        self.content = [(page, huge, same)[n % 3](n) for n in range(PAGES)]
        self.total = WritebackResult()
        for index, content in enumerate(self.content):
            self.dev.write_page(index, content)

    def writeback(self) -> WritebackResult:
        """Run a pass over everything and hold what it says against what is so."""
        before = self.dev.snapshot()
        result = self.dev.writeback(pages=range(PAGES))
        now = self.dev.snapshot()
        backed = [n for n, slot in enumerate(now.slots) if slot.kind is SlotKind.WB]
        assert result.written == len([n for n in backed if before.slots[n].kind is not SlotKind.WB])
        assert (result.lost, result.skipped, result.failed) == (0, 0, len(result.errors))
        assert all(now.slots[n].kind is SlotKind.STORED for n, _code in result.errors)
        assert result.written + result.failed + result.left == result.selected
        assert result.selected == sum(slot.kind is SlotKind.STORED for slot in before.slots)
        assert now.limit == before.limit - result.written
        return result

    def check_nothing_is_lost(self) -> None:
        """No block, budget unit, pp_slot, request or buffer is missing or left over, and every page reads back."""
        now = self.dev.snapshot()
        blocks = sorted(slot.blk_idx for slot in now.slots if slot.blk_idx is not None)
        assert (now.stage, now.queued, now.requests, now.held_block) == (PassStage.OVER, (), (), None)
        assert not any(slot.owned or slot.kind is SlotKind.PP_SLOT for slot in now.slots)
        assert (blocks, now.bd_count) == ([b for b, used in enumerate(now.blocks) if used], len(blocks))
        assert now.limit == LIMIT - self.dev.stats.bd.bd_writes
        assert [self.dev.read_page(n) for n in range(PAGES)] == self.content


class Worlds:
    """Makes worlds, each with a file of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[World] = []

    def __call__(
        self,
        surround: Surround = lambda device: device,
        *,
        engine: MakeEngine = ENGINES["threads"],
        runtime: Runtime | None = None,
        batch_size: int = 4,
    ) -> World:
        path = self.folder / f"{len(self.made)}.img"
        self.made.append(World(path, surround, engine=engine, runtime=runtime, batch_size=batch_size))
        return self.made[-1]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Worlds]:
    worlds = Worlds(tmp_path)
    yield worlds
    for each in worlds.made:
        each.dev.close()


FAULTS: dict[str, Callable[[Chosen], Surround]] = {
    "failing": lambda when: lambda device: Failing(device, when),
    "no space": lambda when: lambda device: Failing(device, when, code=errno.ENOSPC),
    "short": lambda when: lambda device: Short(device, when),
    "short by a byte": lambda when: lambda device: Short(device, when, length=1 << 20),
    "torn": lambda when: lambda device: Torn(device, when),
}
CHOICES: dict[str, Chosen] = {
    "first": nth(0, kind="write"),
    "bad blocks": on_blocks([1, 4, 5], kind="write"),
    "breaks": since(3, kind="write"),
    "at random": at_random(0.4, seed=5, kind="write"),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_write_that_fails_loses_nothing(world: Worlds, fault: str, choice: str, engine: str) -> None:
    here = world(FAULTS[fault](CHOICES[choice]), engine=ENGINES[engine])
    for _ in range(3):
        result = here.writeback()
        assert {code for _page, code in result.errors} <= {errno.ENOSPC if fault == "no space" else errno.EIO}
        here.check_nothing_is_lost()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("fault", FAULTS)
def test_whichever_write_fails_nothing_is_lost(world: Worlds, fault: str, engine: str) -> None:
    runs = 0
    for when in every_nth("write"):
        here = world(FAULTS[fault](when), engine=ENGINES[engine], batch_size=1)
        result = here.writeback()
        # A write that stopped short is tried once more: it may have been chance.
        assert result.failed == (when.reached and not fault.startswith("short"))
        here.check_nothing_is_lost()
        assert here.writeback().failed == 0
        here.check_nothing_is_lost()
        runs += 1
    assert runs > 8


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("room", [0, 1, 3, 8])
def test_a_device_that_is_full_keeps_what_it_has(world: Worlds, room: int, engine: str) -> None:
    here = world(lambda device: Full(device, room), engine=ENGINES[engine])
    assert here.writeback().written == room
    here.check_nothing_is_lost()


@pytest.mark.parametrize("batch_size", [1, 4, 32])
def test_answers_in_any_order_lose_nothing(world: Worlds, batch_size: int) -> None:
    here = world(lambda device: Reordering(Failing(device, on_blocks([2])), patience=0.001), batch_size=batch_size)
    assert here.writeback().errors
    here.check_nothing_is_lost()


# Reads


def unreadable(here: World) -> list[int]:
    """The pages whose read is EIO; all others read back."""
    failed = []
    for index, content in enumerate(here.content):
        try:
            assert here.dev.read_page(index) == content
        except ZramError as error:
            failed.append((index, error.errno))
    assert {code for _index, code in failed} <= {errno.EIO}
    return [index for index, _code in failed]


def test_a_failed_read_is_an_error_and_the_next_one_succeeds(world: Worlds) -> None:
    failed = []
    for when in every_nth("read"):
        faulty: list[Failing] = []
        here = world(lambda device, when=when, faulty=faulty: faulty.append(Failing(device, when)) or faulty[0])  # type: ignore[misc]  # mypy: types of defaults
        assert here.writeback().failed == 0
        failed += unreadable(here)
        faulty[0].when = nth()
        here.check_nothing_is_lost()
    assert failed == [n for n in range(PAGES) if n % 3 != 2]


@pytest.mark.parametrize(
    "surround",
    [
        pytest.param(lambda device: Corrupting(device, nth(1, kind="write"), at=77, mask=0x80), id="corrupted"),
        pytest.param(lambda device: Torn(device, nth(1), code=None), id="torn"),
        pytest.param(lambda device: Torn(device, nth(1), length=0, code=None), id="lost"),
    ],
)
def test_a_silently_lost_write_is_an_error_at_the_read(world: Worlds, surround: Surround) -> None:
    here = world(surround, batch_size=1)
    assert here.writeback().written == 8
    (wrong,) = unreadable(here)
    here.dev.write_page(wrong, here.content[wrong])
    here.check_nothing_is_lost()


def test_a_corrupted_read_is_an_error_and_the_next_one_succeeds(world: Worlds) -> None:
    here = world(lambda device: Corrupting(device, nth(0, kind="read")))
    here.writeback()
    first = next(n for n, slot in enumerate(here.dev.snapshot().slots) if slot.kind is SlotKind.WB)
    with pytest.raises(ZramError, match="not what was written"):
        here.dev.read_page(first)
    here.check_nothing_is_lost()


# Memory and threads


def scarce_engine(make: MakeEngine, when: Chosen, device: BackingDevice, runtime: Runtime) -> Engine:
    return ScarceBuffers(make(device, runtime), when)


@pytest.mark.parametrize("engine", ENGINES)
def test_without_memory_for_a_request_the_others_do(world: Worlds, engine: str) -> None:
    runs = 0
    for when in every_nth("allocate"):
        here = world(engine=partial(scarce_engine, ENGINES[engine], when))
        if when.number:
            assert here.writeback().written == 8
        else:
            with refused(errno.ENOMEM, "no memory for a single write request"):
                here.writeback()
        here.check_nothing_is_lost()
        if when.reached:
            assert here.writeback().written == 8 * (when.number == 0)
            here.check_nothing_is_lost()
        runs += 1
    assert runs > 4


def scarce_request(numbers: Iterator[int], when: Chosen, number: int, buffer: memoryview) -> WbReq:
    if when(Operation("allocate", next(numbers))):
        raise MemoryError
    return WbReq(number, buffer)


def test_without_memory_for_a_request_its_buffer_is_released(world: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = 0
    for when in every_nth("allocate"):
        runs += 1
        here = world()
        with monkeypatch.context() as patch:
            patch.setattr(request_pool, "WbReq", partial(scarce_request, itertools.count(), when))
            if when.number:
                assert here.writeback().written == 8
            else:
                with pytest.raises(ZramError, match="no memory for a single write request"):
                    here.writeback()
        here.check_nothing_is_lost()
        engine = here.dev._life.live()._engine
        assert isinstance(engine, ThreadEngine)
        assert engine._buffers.out == 0
        assert here.writeback().failed == 0
        here.check_nothing_is_lost()
    assert runs > 2, "a request could not be had at first, and later"


def test_all_is_written_whichever_thread_does_not_start(world: Worlds) -> None:
    runs = 0
    for when in every_nth("spawn"):
        here = world(runtime=ScarceThreads(ThreadRuntime(), when))
        assert here.writeback().written == 8
        here.check_nothing_is_lost()
        runs += 1
    assert runs == 5  # the shields of making the device and of the pass, two writers, and none of them


def test_without_any_thread_everything_is_written(world: Worlds) -> None:
    here = world(runtime=ScarceThreads(ThreadRuntime()))
    assert here.writeback().written == 8
    here.check_nothing_is_lost()
