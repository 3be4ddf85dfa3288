"""Made, configured, initialised, reset, closed: what is allowed when, and what is closed."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.impl.doubles import Bench, HookedDevice, page
from tests.impl.passes.driving import begin
from tests.refused import raising, refused
from zram_impl import PAGE_SIZE, Quirks, Zram, ZramError
from zram_impl.device.config import open_backing_file
from zram_impl.device.engines import MAX_IN_FLIGHT, thread_engine
from zram_impl.passes.base import PassProgress
from zram_impl.runtime import ThreadRuntime

Call = Callable[[Zram], object]


def test_a_new_device_is_empty_and_has_the_drivers_defaults() -> None:
    dev = Zram()
    configuration = (dev.algorithm, dev.backing_name, dev.batch_size, dev.writeback_limit, dev.writeback_limit_enabled)
    assert (dev.pages, dev.disksize, dev._life.pages, *configuration) == (0, 0, None, "lz4", None, 32, 0, False)


CONFIGURE: dict[str, Call] = {
    "comp_algorithm": lambda dev: dev.set_algorithm("deflate"),
    "backing_dev": lambda dev: dev.set_backing(HookedDevice()),
    "disksize": lambda dev: dev.initialise("64K"),
}


def made_of(dev: Zram) -> tuple[str, str | None, int]:
    return dev.algorithm, dev.backing_name, dev.pages


@pytest.mark.parametrize("name", list(CONFIGURE))
def test_what_a_device_is_made_of_is_set_before_its_size(name: str) -> None:
    bench = Bench(pages=3)
    with refused(errno.EBUSY, f"{name} cannot be set: the device is initialised with 3 pages"):
        CONFIGURE[name](bench.dev)


@pytest.mark.parametrize("name", list(CONFIGURE))
def test_after_a_reset_it_can_be_set_again(name: str) -> None:
    bench = Bench()
    bench.dev.reset()
    before = made_of(bench.dev)
    CONFIGURE[name](bench.dev)
    assert made_of(bench.dev) != before
    bench.dev.close()


USE: dict[str, Call] = {
    "read_page": lambda dev: dev.read_page(0),
    "write_page": lambda dev: dev.write_page(0, page(0)),
    "read_pages_into": lambda dev: dev.read_pages_into(0, bytearray()),
    "write_pages": lambda dev: dev.write_pages(0, b""),
    "read": lambda dev: dev.read(0, 0),
    "write": lambda dev: dev.write(0, b""),
    "discard": lambda dev: dev.discard(0, 0),
    "write_zeroes": lambda dev: dev.write_zeroes(0, 0),
    "mark_idle": lambda dev: dev.mark_idle(),
    "writeback": lambda dev: dev.writeback("no such mode"),  # type: ignore[arg-type]  # not a mode
    "begin_writeback, scans": lambda dev: dev.begin_writeback(scans=[]),
    "snapshot": lambda dev: dev.snapshot(),
    "block_state": lambda dev: dev.block_state(),
}


@pytest.mark.parametrize("name", list(USE))
@pytest.mark.parametrize("when", ["before", "after reset", "after close"])
def test_a_device_without_size_is_not_used(name: str, when: str) -> None:
    dev = Bench().dev
    if when == "before":
        dev = Zram()
    elif when == "after reset":
        dev.reset()
    else:
        dev.close()
    with refused(errno.EINVAL, "the device is not initialised: disksize is 0"):
        USE[name](dev)


# The backing device


def test_another_backing_device_replaces_the_first_and_closes_it() -> None:
    dev, first, second = Zram(), HookedDevice(name="first"), HookedDevice(name="second")
    dev.set_backing(first)
    dev.set_backing(second)
    assert (dev.backing_name, first.closed, second.closed) == ("second", 1, 0)
    dev.close()


refuse_to_close = raising(OSError, errno.EIO, "the cable is out")


def test_a_backing_device_that_fails_to_close_is_replaced() -> None:
    dev, first = Zram(), HookedDevice()
    first.on_close = refuse_to_close
    dev.set_backing(first)
    dev.set_backing(HookedDevice(name="second"))
    assert dev.backing_name == "second"
    dev.close()


def test_a_failing_close_of_the_backing_device_is_ignored() -> None:
    dev, backing = Zram(), HookedDevice()
    backing.on_close = refuse_to_close
    dev.set_backing(backing)
    dev.close()
    assert dev.backing_name is None


def test_a_refused_backing_device_leaves_the_one_before(tmp_path: Path) -> None:
    dev, first = Zram(), HookedDevice(name="first")
    dev.set_backing(first)
    with pytest.raises(ZramError, match="got directory"):
        dev.set_backing(tmp_path)
    assert (dev.backing_name, first.closed) == ("first", 0)
    dev.close()


def test_the_same_file_again_is_in_use(tmp_path: Path) -> None:
    dev = Zram()
    dev.set_backing(tmp_path / "pages.img", "64K")
    with refused(errno.EBUSY, "is in use"):
        dev.set_backing(tmp_path / "pages.img")
    assert dev.backing_name == str(tmp_path / "pages.img")
    dev.close()


@pytest.mark.parametrize("end", [Zram.close, Zram.reset], ids=["close", "reset"])
@pytest.mark.parametrize("initialised", [True, False])
def test_the_end_lets_the_backing_device_go_once(end: Callable[[Zram], None], initialised: bool) -> None:
    dev, backing = Zram(), HookedDevice()
    dev.set_backing(backing)
    if initialised:
        dev.initialise("64K")
    end(dev)
    end(dev)
    assert (backing.closed, dev.backing_name, dev.disksize) == (1, None, 0)


def test_a_file_is_free_for_others_after_the_end(tmp_path: Path) -> None:
    for _ in range(3):
        with Zram.create("64K", backing=tmp_path / "pages.img", backing_size="64K") as dev:
            dev.write_page(1, page(1))
            assert dev.writeback(pages=[1]).written == 1


def test_a_path_is_opened_by_what_the_device_was_given() -> None:
    opened: list[tuple[str | os.PathLike[str], int | None]] = []

    def open_backing(path: str | os.PathLike[str], size: int | None) -> HookedDevice:
        opened.append((path, size))
        return HookedDevice(name=str(path))

    dev = Zram(open_backing=open_backing)
    dev.set_backing("one", "8K")
    dev.set_backing("two")
    assert (opened, dev.backing_name) == ([("one", 8192), ("two", None)], "two")
    dev.close()


def test_production_opens_files_and_writes_with_threads(tmp_path: Path) -> None:
    device = open_backing_file(tmp_path / "pages.img", 8192)
    engine = thread_engine(device, ThreadRuntime())
    assert (device.blocks, engine.depth) == (2, MAX_IN_FLIGHT)
    engine.close()
    device.close()


# Size


TABLE = "disksize {}: no memory for a table of {} slots"
REFUSED: list[tuple[str, int | str, int, str]] = [
    *(("initialise", size, errno.EINVAL, "") for size in (0, -1, "0", "", "x", "-1", "1T5")),
    ("initialise", 1 << 62, errno.ENOMEM, TABLE.format(1 << 62, 1 << 50)),
    ("initialise", 2**64 - 1, errno.ENOMEM, TABLE.format(2**64 - 1, 1 << 52)),
    ("set_batch_size", 0, errno.EINVAL, "writeback_batch_size must be 1 to 4294967295, got 0"),
    ("set_batch_size", -1, errno.EINVAL, "writeback_batch_size must be 1 to 4294967295, got -1"),
    ("set_writeback_limit", -1, errno.EINVAL, "writeback_limit must be 0 to [0-9]+, got -1"),
    ("set_writeback_limit", 1 << 64, errno.EINVAL, "writeback_limit must be 0 to [0-9]+, got 0x10000000000000000"),
]


@pytest.mark.parametrize(("name", "number", "code", "message"), REFUSED, ids=repr)
def test_a_number_out_of_range_is_refused_and_not_kept(name: str, number: int | str, code: int, message: str) -> None:
    dev = Zram()
    with refused(code, message):
        getattr(dev, name)(number)
    assert (dev.pages, dev.batch_size, dev.writeback_limit) == (0, 32, 0)


# Batch size and limit


def test_a_batch_size_is_for_the_next_pass() -> None:
    bench = Bench(batch_size=1).store(0, 1, 2)
    running = begin(bench, 0, 1, 2)
    bench.dev.set_batch_size(3)
    assert (running.advance(), len(bench.engine.held)) == (PassProgress.WAIT, 1)
    bench.dev.reset()
    assert bench.dev.batch_size == 3


@pytest.mark.parametrize(
    ("quirks", "kept"), [(Quirks(), (0, False)), (Quirks(limit_survives_reset=True), (7, True))], ids=["ours", "driver"]
)
def test_what_a_reset_does_to_the_limit(quirks: Quirks, kept: tuple[int, bool]) -> None:
    dev = Zram(quirks=quirks)
    dev.set_writeback_limit(7)
    dev.enable_writeback_limit(True)
    dev.reset()
    assert (dev.writeback_limit, dev.writeback_limit_enabled) == kept


def test_enabling_the_limit_twice_is_one_event() -> None:
    seen: list[str] = []
    dev = Zram(observer=lambda kind, *_args: seen.append(kind))
    for enabled in (True, True, False):
        dev.enable_writeback_limit(enabled)
    assert seen == ["toggle_limit"] * 2


def test_a_write_in_flight_over_a_reset_is_not_refunded() -> None:
    bench = Bench().store(0).limit(5)
    begin(bench, 0)
    bench.engine.answer(0, errno.EIO)
    bench.dev.reset()
    assert (bench.dev.writeback_limit, bench.engine.closed, bench.engine.out) == (0, 1, 0)


# The end


def test_leaving_the_context_by_an_exception_closes() -> None:
    backing = HookedDevice()
    with pytest.raises(KeyError), Zram.create("64K", backing=backing):
        raise KeyError
    assert backing.closed == 1


@pytest.mark.parametrize("way", [Zram.close, Zram.reset], ids=["close", "reset"])
def test_a_defect_of_the_backing_device_is_raised_at_the_end(way: Call) -> None:
    """An exception that is no OSError is the author's to mend; the device is closed all the same."""
    backing = HookedDevice()
    dev = Zram.create("64K", backing=backing)
    dev.write_page(0, page(0))
    backing.before_write = raising(KeyError, "a defect")
    assert dev.writeback(pages=[0]).errors == [(0, errno.EIO)]
    with pytest.raises(AssertionError, match="KeyError"):
        way(dev)
    assert (dev.pages, dev.backing_name, backing.closed) == (0, None, 1)
    dev.close()


def test_a_reset_ends_a_running_pass_and_forgets_all_pages() -> None:
    bench = Bench().store(0, 1)
    running = begin(bench, 0)
    bench.dev.reset()
    assert (running.result.written, bench.engine.closed, bench.backing.closed) == (1, 1, 1)
    bench.dev.initialise(2 * PAGE_SIZE)
    assert (bench.dev.read_page(0), bench.dev.stats.bd.bd_writes) == (bytes(PAGE_SIZE), 0)


def test_the_runtime_is_the_one_it_was_given() -> None:
    runtime = ThreadRuntime()
    assert Zram(runtime=runtime).runtime is runtime
