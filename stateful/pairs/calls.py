"""Every public call, one row each: what a lane does with it. A call that is missing here fails a test.

Both lanes use page 0, so that they meet; numbers differ by lane, so that it shows whose is whose.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from stateful.common.stamped_pages import same_filled, stamped
from stateful.pairs.world import PAGES, Call, PairWorld
from zram_impl import PAGE_SIZE, RecompressResult, WritebackResult, Zram
from zram_impl.block_layer import Node, NodeFile
from zram_impl.mapping import PageMap
from zram_impl.pages.stats import BdStat
from zram_impl.parsing.recompress_args import parse_recompress
from zram_impl.passes.recompress import RecompressPass
from zram_impl.passes.writeback import WritebackPass
from zram_impl.policy.keeper import Keeper
from zram_impl.sysfs import ATTRIBUTES

PUBLIC: Final = (Zram, Node, NodeFile, WritebackPass, RecompressPass, Keeper, PageMap)
LONG: Final = 5.0
"""Seconds."""
_SECONDS: Final = re.compile(r" *\d+\.\d+")
_SPECIAL: Final = (
    "__enter__", "__exit__", "__contains__", "__delitem__", "__getitem__", "__iter__", "__len__", "__setitem__",
)  # fmt: skip
KEY: Final = "key"
"""The key of a mapping that there is from the beginning; each lane also has one of its own."""


def public_names() -> Iterator[str]:
    """Yield the names of everything that users can call, look at or store."""
    for owner in PUBLIC:
        yield from (f"{owner.__name__}.{name}" for name in dir(owner) if name[0] != "_" or name in _SPECIAL)
    for name, attribute in ATTRIBUTES.items():
        yield from [f"show {name}"] * (attribute.show is not None)
        yield from [f"store {name}"] * (attribute.store is not None)


# --- what takes more than an expression ------------------------------------------------------------------------------


def _read_into(world: PairWorld, _lane: int) -> tuple[bytes, bytes]:
    buffer = bytearray(2 * PAGE_SIZE)
    world.device.read_pages_into(0, buffer)
    return bytes(buffer[:PAGE_SIZE]), bytes(buffer[PAGE_SIZE:])


def _keep(world: PairWorld, _lane: int) -> None:
    """Keep the device within less than it has, for a moment, and look at the metrics beside the keeper."""
    with world.device.keep_within(PAGE_SIZE) as keeper:
        assert keeper.metrics.memory.budget == PAGE_SIZE


def _create(world: PairWorld, _lane: int) -> int:
    with Zram.create(PAGE_SIZE, runtime=world.runtime) as other:
        return other.pages


def _with(world: PairWorld, _lane: int) -> None:
    with world.device:
        pass


def _set_backing(world: PairWorld, lane: int) -> None:
    blocks = world.blocks(f"memory {lane}")
    blocks.refused = True
    world.device.set_backing(blocks)
    blocks.refused = False


def _open(world: PairWorld, _lane: int, *, exclusive: bool = True) -> None:
    file = world.node.open(exclusive=exclusive)
    if exclusive and any(also for _file, also in world.files):
        world.judge.found("one_exclusive_open: a second open is exclusive")
    world.files.append((file, exclusive))


def _close(world: PairWorld, lane: int) -> None:
    if world.files:
        file, _exclusive = world.files.pop((lane - 1) % len(world.files))
        file.close()


def _transfer(do: Callable[[NodeFile, int], object]) -> Call:
    """Do something with an open of the lane's own."""

    def call(world: PairWorld, lane: int) -> object:
        with world.node.open() as file:
            return do(file, lane)

    return call


def _pass(run: Callable[[Zram], WritebackResult | RecompressResult]) -> Call:
    """Run a pass; one that somebody may interrupt is driven as in the main thread."""

    def call(world: PairWorld, _lane: int) -> str:
        task = world.runtime.current
        assert task is not None, "a lane is a task"
        if world.interrupts:
            task.may_be_interrupted = world.may_be_interrupted = True
            world.interruptible = task
        try:
            result = run(world.device)
        finally:
            world.interruptible = None
        return world.account(result.selected, settled(result))

    return call


def settled(result: WritebackResult | RecompressResult) -> int:
    """Return how many pages a pass accounts for."""
    if isinstance(result, WritebackResult):
        return result.written + result.lost + result.failed + result.skipped + result.left
    kept = result.no_gain + result.below_threshold + result.skipped + result.failed + result.left
    return result.recompressed + kept


def _of_pass(do: Callable[[WritebackPass | RecompressPass], object]) -> Call:
    """Do something with the pass that the state has begun."""

    def call(world: PairWorld, _lane: int) -> None:
        if world.running is not None:
            do(world.running)

    return call


def _interrupt(world: PairWorld, _lane: int) -> None:
    world.runtime.point("interrupt")
    if world.interruptible is not None:
        world.runtime.interrupt(world.interruptible)


def _seconds_pass(world: PairWorld, _lane: int) -> None:
    world.runtime.point("seconds pass")
    world.runtime.clock += LONG


def _page_returns(world: PairWorld, _lane: int) -> None:
    """Give the block of page 0 to page 2 until the read under way has read it, then to page 0 again, as it was."""
    device, blocks = world.device, world.devices[0]
    reads = bool(blocks.under_way)
    if reads:
        blocks.later.owner = blocks.has_read.owner = "a page that is to return to its block"
    try:
        device.write_page(0, world.page(1))
        device.write_page(2, stamped(2, 9))
        device.writeback(pages=[2])
        if reads:
            world.runtime.stop("device", blocks.has_read)
        device.discard(2 * PAGE_SIZE, PAGE_SIZE)
        device.write_page(0, stamped(0, 1))
        device.writeback(pages=[0])
    finally:
        blocks.later.owner = None


def _of_keeper(do: Callable[[Keeper], object]) -> Call:
    """Do something with the keeper that the state has begun."""

    def call(world: PairWorld, _lane: int) -> object:
        return None if world.keeper is None else do(world.keeper)

    return call


def _of_map(do: Callable[[PageMap, int], object]) -> Call:
    """Do something with the mapping of the state."""

    def call(world: PairWorld, lane: int) -> object:
        return None if world.values is None else do(world.values, lane)

    return call


def _store(name: str, text: str) -> Call:
    return lambda world, _lane: world.device.attrs.store(name, text)


def _show(name: str) -> Call:
    return lambda world, _lane: world.device.attrs.show(name)


def _get(owner: type, name: str) -> Call:
    """Look at a property; what it is matters only where it can be compared."""

    def call(world: PairWorld, _lane: int) -> object:
        value = getattr(world.node if owner is Node else world.device, name)
        return value if isinstance(value, (int, str, tuple)) else value is None

    return call


# --- the rows --------------------------------------------------------------------------------------------------------

STORED: Final[Mapping[str, str]] = {
    "disksize": str(PAGES * PAGE_SIZE),
    "reset": "1",
    "mem_limit": "64K",
    "mem_used_max": "0",
    "comp_algorithm": "lz4hc",
    "recomp_algorithm": "algo=deflate priority=2",
    "algorithm_params": "priority=0 level=2",
    "compact": "1",
    "idle": "all",
    "backing_dev": "another",
    "recompress": "type=huge",
    "writeback": "page_indexes=0-1",
    "writeback_limit": "1",
    "writeback_limit_enable": "1",
    "writeback_batch_size": "1",
    "compressed_writeback": "1",
}
"""The text stored to each attribute."""

_OF_PASSES: Final[Mapping[str, Callable[[WritebackPass | RecompressPass], object]]] = {
    "advance": lambda it: it.advance(1),
    "wait": lambda it: it.wait(),
    "cancel": lambda it: it.cancel(),
    "cancelled": lambda it: it.cancelled,
    "selected": lambda it: it.selected,
    "settled": lambda it: it.settled,
}
_HUGE: Final = parse_recompress("type=huge", unknown_keys_ignored=False)
_PAGE_0: Final = (0, PAGE_SIZE)

_OF_KEEPERS: Final[Mapping[str, Callable[[Keeper], object]]] = {
    "__enter__": lambda it: it.__enter__().budget,
    "__exit__": lambda it: it.__exit__(None, None, None),
    "budget": lambda it: it.budget,
    "end_soon": lambda it: it.end_soon(),
    "join": lambda it: it.join(0.0) and None,
    "metrics": lambda it: it.metrics.memory.budget,
    "running": lambda it: it.running and None,
    "stop": lambda it: it.stop(),
}
_OF_MAPS: Final[Mapping[str, Callable[[PageMap, int], object]]] = {
    "__contains__": lambda it, _lane: KEY in it,
    "__delitem__": lambda it, _lane: it.__delitem__(KEY),
    "__getitem__": lambda it, _lane: it[KEY],
    "__iter__": lambda it, _lane: tuple(it),
    "__len__": lambda it, _lane: len(it),
    "__setitem__": lambda it, lane: it.__setitem__(KEY, stamped(0, 10 + lane)),
    "clear": lambda it, _lane: it.clear(),
    "free_pages": lambda it, _lane: it.free_pages,
    "get": lambda it, _lane: it.get(KEY),
    "is_spilled": lambda it, _lane: it.is_spilled(KEY),
    "items": lambda it, _lane: tuple(it.items()),
    "keys": lambda it, _lane: tuple(it.keys()),
    "pop": lambda it, _lane: it.pop(KEY),
    "popitem": lambda it, _lane: it.popitem(),
    "setdefault": lambda it, lane: it.setdefault(f"of lane {lane}", b"short"),
    "update": lambda it, lane: it.update({f"of lane {lane}": b"short"}),
    "values": lambda it, _lane: tuple(it.values()),
}

METHODS: Final[Mapping[str, Call]] = {
    # --- pages and bytes ---
    "Zram.read_page": lambda world, _lane: world.device.read_page(0),
    "Zram.write_page": lambda world, lane: world.device.write_page(0, world.page(lane)),
    "Zram.write_pages": lambda world, lane: world.device.write_pages(0, world.page(lane) + same_filled(lane)),
    "Zram.read_pages_into": _read_into,
    "Zram.read": lambda world, _lane: world.device.read(PAGE_SIZE - 16, 16),
    "Zram.write": lambda world, lane: world.device.write(PAGE_SIZE - 8 * lane, bytes([lane]) * 8),
    "Zram.discard": lambda world, _lane: world.device.discard(*_PAGE_0),
    "Zram.slot_free_notify": lambda world, _lane: world.device.slot_free_notify(0),
    "Zram.write_zeroes": lambda world, _lane: world.device.write_zeroes(0, PAGE_SIZE + 8),
    # --- maintenance ---
    "Zram.mark_idle": lambda world, lane: world.device.mark_idle(age_seconds=None if lane == 1 else 1),
    "Zram.writeback": _pass(lambda device: device.writeback(pages=range(2))),
    "Zram.begin_writeback": lambda world, _lane: world.drive(world.device.begin_writeback(pages=range(2))),
    "Zram.recompress": _pass(lambda device: device.recompress()),
    "Zram.begin_recompression": lambda world, _lane: world.drive(world.device.begin_recompression(_HUGE)),
    "Zram.compact": lambda world, _lane: world.device.compact(),
    "Zram.keep_within": _keep,
    "Zram.stats": lambda world, _lane: world.device.stats._replace(bd=BdStat()),
    "Zram.snapshot": lambda world, _lane: world.device.snapshot().slots,
    "Zram.slot": lambda world, _lane: world.device.slot(0),
    "Zram.block_state": lambda world, _lane: _SECONDS.sub("", world.device.block_state()),
    # --- configuration ---
    "Zram.set_algorithm": lambda world, lane: world.device.set_algorithm(("lz4", "lz4hc")[lane - 1]),
    "Zram.set_recomp_algorithm": lambda world, lane: world.device.set_recomp_algorithm("deflate", lane),
    "Zram.set_algorithm_params": lambda world, lane: world.device.set_algorithm_params(level=lane),
    "Zram.set_backing": _set_backing,
    "Zram.set_backing_path": lambda world, lane: world.device.set_backing_path(f"path {lane}"),
    "Zram.set_batch_size": lambda world, lane: world.device.set_batch_size(lane),
    "Zram.set_compressed_writeback": lambda world, lane: world.device.set_compressed_writeback(lane == 1),
    "Zram.set_mem_limit": lambda world, lane: world.device.set_mem_limit(lane * PAGES * PAGE_SIZE),
    "Zram.set_read_cache": lambda world, lane: world.device.set_read_cache(lane * 4 * PAGE_SIZE, ahead=2),
    "Zram.reset_mem_used_max": lambda world, _lane: world.device.reset_mem_used_max(),
    "Zram.set_writeback_limit": lambda world, lane: world.device.set_writeback_limit(lane),
    "Zram.enable_writeback_limit": lambda world, lane: world.device.enable_writeback_limit(lane == 1),
    # --- life cycle ---
    "Zram.create": _create,
    "Zram.initialise": lambda world, _lane: world.device.initialise(PAGES * PAGE_SIZE),
    "Zram.reset": lambda world, _lane: world.device.reset(),
    "Zram.close": lambda world, _lane: world.device.close(),
    "Zram.__enter__": _with,
    "Zram.__exit__": _with,
    # --- the node ---
    "Node.open": _open,
    "NodeFile.close": _close,
    "NodeFile.__enter__": partial(_open, exclusive=False),
    "NodeFile.__exit__": _close,
    "NodeFile.size": _transfer(lambda file, _lane: file.size),
    "NodeFile.span": _transfer(lambda file, _lane: file.span(0, PAGE_SIZE, writes=False)),
    "NodeFile.pread": _transfer(lambda file, _lane: file.pread(PAGE_SIZE, 0)),
    "NodeFile.pwrite": _transfer(lambda file, lane: file.pwrite(same_filled(lane), 0)),
    "NodeFile.discard": _transfer(lambda file, _lane: file.discard(*_PAGE_0)),
    "NodeFile.zeroout": _transfer(lambda file, _lane: file.zeroout(*_PAGE_0)),
    # --- passes ---
    **{
        f"{owner.__name__}.{name}": _of_pass(do)
        for owner in (WritebackPass, RecompressPass)
        for name, do in _OF_PASSES.items()
    },
    # --- keepers and mappings ---
    **{f"Keeper.{name}": _of_keeper(do) for name, do in _OF_KEEPERS.items()},
    **{f"PageMap.{name}": _of_map(do) for name, do in _OF_MAPS.items()},
    # --- attributes ---
    **{f"store {name}": _store(name, text) for name, text in STORED.items()},
    **{f"show {name}": _show(name) for name, attribute in ATTRIBUTES.items() if attribute.show is not None},
    # --- what happens besides ---
    "interrupt": _interrupt,
    "seconds pass": _seconds_pass,
    "the page returns": _page_returns,
}
LOOKS: Final[Mapping[str, Call]] = {
    f"{owner.__name__}.{name}": _get(owner, name)
    for owner in (Zram, Node)
    for name in dir(owner)
    if isinstance(getattr(owner, name), property) and f"{owner.__name__}.{name}" not in METHODS
}
CALLS: Final[Mapping[str, Call]] = {**METHODS, **LOOKS}
EXTRA: Final = ("interrupt", "seconds pass", "the page returns")
"""Events of a device besides calls."""
UNCALLED: Final[Mapping[str, str]] = {
    "WritebackPass.after_fork": "called in a forked child, where nobody else is",
    "RecompressPass.after_fork": "called in a forked child, where nobody else is",
    "WritebackPass.waiting": "needs the table lock, which users have no name for",
    "RecompressPass.waiting": "needs the table lock, which users have no name for",
    "WritebackPass.requests": "those that a snapshot shows",
}
"""Public names that no lane calls, and why."""
