"""Manners of the public names: wrong types, any buffer, texts for people, asyncio."""

import array
import asyncio
import copy
import errno
import importlib.metadata
import mmap
import pickle
import threading
from collections.abc import Callable, Iterator

import pytest

import zram_impl
from tests.impl.doubles import Gate, HookedDevice, huge
from tests.refused import refused
from zram_impl import PAGE_SIZE, Zram, ZramError, ZramTypeError
from zram_impl.aio import cancellable
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.block_layer import Node
from zram_impl.mapping import PageMap


@pytest.fixture
def dev() -> Iterator[Zram]:
    with Zram.create("64K", backing=HookedDevice(16)) as made:
        yield made


WRONG_TYPES: dict[str, Callable[[Zram], object]] = {
    "page": lambda dev: dev.write_page(0, "text"),  # type: ignore[arg-type]  # that is what is tried
    "index": lambda dev: dev.read_page("0"),  # type: ignore[arg-type]  # likewise
    "offset": lambda dev: dev.read(None, 1),  # type: ignore[arg-type]  # likewise
    "buffer": lambda dev: dev.read_pages_into(0, 5),  # type: ignore[arg-type]  # likewise
    "mode": lambda dev: dev.writeback(5),  # type: ignore[arg-type]  # likewise
    "pages": lambda dev: dev.writeback(pages=["0"]),  # type: ignore[list-item]  # likewise
    "no pages": lambda dev: dev.writeback(pages=5),  # type: ignore[arg-type]  # likewise
    "progress": lambda dev: dev.writeback("idle", progress=5),  # type: ignore[arg-type]  # likewise
    "cancel": lambda dev: dev.writeback("idle", cancel=5),  # type: ignore[arg-type]  # likewise
    "age": lambda dev: dev.mark_idle(age_seconds=True),
    "batch size": lambda dev: dev.set_batch_size(1.0),  # type: ignore[arg-type]  # likewise
    "limit": lambda dev: dev.set_mem_limit(None),  # type: ignore[arg-type]  # likewise
    "enabled": lambda dev: dev.enable_writeback_limit("yes"),  # type: ignore[arg-type]  # likewise
    "algorithm": lambda dev: dev.set_algorithm(None),  # type: ignore[arg-type]  # likewise
    "request": lambda dev: dev.begin_recompression(5),  # type: ignore[arg-type]  # likewise
    "quirks": lambda _dev: Zram(quirks=5),  # type: ignore[arg-type]  # likewise
    "engine": lambda _dev: Zram(engine=5),  # type: ignore[arg-type]  # likewise
    "runtime": lambda _dev: Zram(runtime=5),  # type: ignore[arg-type]  # likewise
    "backing": lambda _dev: Zram.create("64K", backing=5),  # type: ignore[arg-type]  # likewise
    "policy": lambda dev: dev.keep_within("1M", 5),  # type: ignore[arg-type]  # likewise
    "attribute": lambda dev: dev.attrs.store("mem_limit", 5),  # type: ignore[arg-type]  # likewise
}


@pytest.mark.parametrize("name", WRONG_TYPES)
def test_a_wrong_type_is_a_type_error_as_well(name: str, dev: Zram) -> None:
    with refused(errno.EINVAL) as no:
        WRONG_TYPES[name](dev)
    assert isinstance(no.value, TypeError), no.value


@pytest.mark.parametrize(
    "call",
    [
        lambda dev: dev.read_page(99),
        lambda dev: dev.write_page(0, b"short"),
        lambda dev: dev.set_mem_limit("a lot"),
        lambda dev: dev.writeback("hugh"),
        lambda dev: dev.set_batch_size(0),
    ],
    ids=["index", "length", "size", "mode", "number"],
)
def test_a_wrong_value_is_no_type_error(call: Callable[[Zram], object], dev: Zram) -> None:
    with pytest.raises(ZramError) as no:
        call(dev)
    assert not isinstance(no.value, ZramTypeError)


def test_any_buffer_is_taken(dev: Zram) -> None:
    numbers = array.array("Q", range(PAGE_SIZE // 8))
    with mmap.mmap(-1, PAGE_SIZE) as mapped:
        mapped[:] = huge(1)
        dev.write_page(0, mapped)
        dev.write_pages(1, numbers)
        dev.write(2 * PAGE_SIZE, numbers)
        dev.read_pages_into(0, mapped)
        assert mapped[:] == huge(1)
    into = array.array("Q", bytes(PAGE_SIZE))
    dev.read_pages_into(1, into)
    assert into == numbers
    assert dev.read(2 * PAGE_SIZE, PAGE_SIZE) == numbers.tobytes()


def test_a_device_says_what_it_is(dev: Zram) -> None:
    assert repr(dev) == "<Zram of 16 pages, lz4, backed by memory>"
    assert repr(Zram()) == "<Zram of 0 pages, lz4>"
    node = Node(dev)
    with node.open(read_only=True) as opened:
        assert repr(node) == f"<Node of {dev}, open 1 times>"
        assert repr(opened) == f"<NodeFile of {dev}, read-only>"
    assert repr(opened) == f"<NodeFile of {dev}, closed>"
    assert repr(node.open()) == f"<NodeFile of {dev}, open>"
    dev.write_page(0, huge(0))
    running = dev.begin_writeback("huge")
    running.advance(1)
    assert repr(running) == "<WritebackPass, 0 of 1 pages settled>"
    with dev.keep_within("1M") as keeper:
        assert repr(keeper) == "<Keeper of 1048576 bytes, running>"


@pytest.mark.parametrize(("name", "instead"), [("lzo", "lz4"), ("lzo-rle", "lz4"), ("842", "lz4"), ("zlib", "deflate")])
def test_an_algorithm_of_kernels_is_refused_with_another(name: str, instead: str) -> None:
    with Zram() as dev, pytest.raises(ZramError, match=f"got '{name}'; use {instead} instead$"):
        dev.set_algorithm(name)


def test_the_version_is_that_of_the_package() -> None:
    assert zram_impl.__version__ == "0.1.0"
    assert not hasattr(zram_impl, "version")


def test_a_checkout_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(vars(zram_impl), "__version__", raising=False)
    monkeypatch.setattr(importlib.metadata.Distribution, "discover", lambda **_name: iter(()))
    assert zram_impl.__version__ == "0+unknown"
    monkeypatch.delitem(vars(zram_impl), "__version__")


def test_the_result_of_a_pass_is_awaited(dev: Zram) -> None:
    dev.write_page(0, huge(0))
    assert asyncio.run(cancellable(lambda event: dev.writeback("huge", cancel=event))).written == 1


def test_a_task_that_is_cancelled_ends_its_pass() -> None:
    blocks, gate = HookedDevice(16), Gate()
    blocks.before_write = gate.stop
    with Zram.create("64K", backing=blocks, batch_size=1) as dev:
        dev.write_pages(0, b"".join(map(huge, range(16))))

        async def cancelled() -> None:
            writing = asyncio.create_task(cancellable(lambda event: dev.writeback("huge", cancel=event)))
            await asyncio.to_thread(gate.wait_for_arrival)
            writing.cancel()
            threading.Timer(0.05, gate.open).start()
            with pytest.raises(asyncio.CancelledError):
                await writing

        asyncio.run(cancelled())
        assert 0 < dev.stats.bd.bd_count < 16
        assert dev.writeback("huge").left == 0


@pytest.mark.parametrize("ways", [copy.copy, copy.deepcopy, pickle.dumps])
def test_what_owns_threads_is_neither_copied_nor_pickled(ways: Callable[[object], object]) -> None:
    with Zram.create("64K", backing=MemoryDevice(4)) as dev, dev.keep_within("64K") as keeper:
        node = Node(dev)
        with node.open() as opened:
            for each in (dev, node, opened, keeper, PageMap(dev), dev.begin_writeback("idle")):
                with pytest.raises(TypeError, match=f"EINVAL.* {type(each).__name__} must be shared"):
                    ways(each)
