"""Situations in which two calls are made: pages stored or backed, a pass or a read under way, a node open."""

from errno import EIO
from typing import Final

from stateful.common.inside import inside
from stateful.common.stamped_pages import same_filled, stamped
from stateful.pairs.calls import KEY, METHODS, STORED
from stateful.pairs.world import BLOCKS, ENDS, PAGES, PairState, PairWorld
from zram_impl import PAGE_SIZE, Quirks
from zram_impl.mapping import PageMap
from zram_impl.pages.page_io import Pages
from zram_impl.parsing.recompress_args import parse_recompress
from zram_impl.passes.base import PassProgress
from zram_impl.passes.writeback import WritebackPass
from zram_impl.policy.coldest import ColdestFirst

_NUMBERS: Final = 4
"""Seconds that an old device tells apart."""


def _inside(world: PairWorld) -> Pages:
    return inside(world.device).live().pages


def _made(world: PairWorld) -> None:
    """Give the device what it is to be initialised with."""
    world.device.set_recomp_algorithm("deflate")
    world.device.set_batch_size(2)
    world.device.set_backing(world.blocks())


def _stored(world: PairWorld) -> None:
    """Store three pages: one compressed, one huge and idle, one same-filled; with limits that are far away."""
    _made(world)
    world.device.set_mem_limit(5 * PAGE_SIZE)
    world.device.set_writeback_limit(7)
    world.device.enable_writeback_limit(True)
    world.device.initialise(PAGES * PAGE_SIZE)
    _write(world)
    world.runtime.clock += 2.0


def _write(world: PairWorld) -> None:
    world.device.write_page(1, stamped(1, 2, huge=True))
    world.device.mark_idle()
    world.device.write_page(0, stamped(0, 1))
    world.device.write_page(2, same_filled(7))


def _backed(world: PairWorld) -> None:
    """Write the first two back."""
    _stored(world)
    world.device.writeback(pages=range(2))


def _cached(world: PairWorld) -> None:
    """Write the first two back, side by side, and keep pages that are read."""
    _stored(world)
    world.device.set_read_cache(4 * PAGE_SIZE, ahead=2)
    world.device.writeback(pages=[1])
    world.device.writeback(pages=[0])
    world.device.read_page(0)


def _limited(world: PairWorld) -> None:
    """Leave a budget of one block, and memory for hardly more than there is."""
    _stored(world)
    world.device.set_writeback_limit(1)
    world.device.set_mem_limit(2 * PAGE_SIZE)


def _moved(world: PairWorld) -> None:
    """Have page 0 alone in a segment that is filled no further, and holes that are worth closing."""
    _made(world)
    world.device.initialise(PAGES * PAGE_SIZE)
    world.device.write_page(0, stamped(0, 1))
    _leave_holes(world)
    world.device.compact()
    with world.judge.paused():
        _inside(world).table.segments.close()
    world.device.write_page(1, stamped(1, 2, huge=True))
    _leave_holes(world)
    world.runtime.clock += 2.0


def _leave_holes(world: PairWorld) -> None:
    world.device.write_page(2, stamped(2, 3, huge=True))
    world.device.discard(2 * PAGE_SIZE, PAGE_SIZE)


def _open(world: PairWorld) -> None:
    """Open the node plainly, and once more exclusively."""
    _stored(world)
    for exclusive in (False, True):
        world.files.append((world.node.open(exclusive=exclusive), exclusive))


def _passing(world: PairWorld) -> None:
    """Begin a writeback pass."""
    _stored(world)
    world.running = world.device.begin_writeback(pages=range(2))
    world.running.advance(3)


def _recompressing(world: PairWorld) -> None:
    """Begin a pass of recompression."""
    _stored(world)
    world.running = world.device.begin_recompression(parse_recompress("", unknown_keys_ignored=False))
    world.running.advance()


def _drives(world: PairWorld) -> None:
    if world.running is not None:
        world.drive(world.running)


def _transfers(world: PairWorld) -> bool:
    return bool(world.devices[0].under_way)


def _reads(world: PairWorld) -> None:
    """Read page 0, which is written back: what it was, or is by now, unless the device is gone."""
    found = world.attempt(lambda it, _lane: it.device.read_page(0))
    if isinstance(found, str) and (found != "EINVAL" or ENDS.isdisjoint(world.names)):
        world.judge.found(f"a_read_ends_with_a_value_the_page_held: a read beside {world.names} ends in {found}")


def _aged(world: PairWorld) -> None:
    """Have numbers for few seconds, while seconds pass."""
    world.device.initialise(PAGES * PAGE_SIZE)
    _inside(world).times._most = _NUMBERS
    _write(world)


def _hung(world: PairWorld) -> None:
    """Have a pass that nobody waits for any more, because the backing device does not answer."""
    _passing(world)
    world.runtime.alone = False  # somebody has to wait for the device
    running, blocks = world.running, world.devices[0]
    assert isinstance(running, WritebackPass), "it was begun"
    blocks.gate.owner = "a device that does not answer"
    while running.advance() is not PassProgress.WAIT:
        pass
    running.cancel()
    running.abandoned = blocks.hung = True


def _kept(world: PairWorld) -> None:
    """Have a keeper, whose device takes more than the half of its budget from which on it writes back."""
    _stored(world)
    world.runtime.alone = False  # the keeper is a task
    world.keeper = world.device.keep_within(2 * PAGE_SIZE, ColdestFirst(high=0.5, low=0.25))


def _mapped(world: PairWorld) -> None:
    """Have a mapping with one value, on page 0."""
    _made(world)
    world.device.initialise(PAGES * PAGE_SIZE)
    world.values = PageMap(world.device)
    world.values[KEY] = stamped(0, 1)


def _defective(world: PairWorld) -> None:
    """Have a backing device that has failed as it must not, and whose close will fail as well."""
    _stored(world)
    fails = world.devices[0].fails
    fails["write"] += [ValueError("a defect")] * 3
    fails["close"].append(OSError(EIO, "this close was to fail"))
    world.device.writeback(pages=range(2))


def _damaged(world: PairWorld) -> None:
    """Damage the object of page 0, and the block of page 1, which is written back."""
    _stored(world)
    world.device.writeback(pages=[1])
    world.devices[0].wipe()
    with world.judge.paused():
        _inside(world).table.replace(0, b"no object of any algorithm")


def _on_file(world: PairWorld) -> None:
    """Store pages on a real file, two of them written back."""
    folder = world.folder()
    path = folder / "blocks"
    path.write_bytes(bytes(BLOCKS * PAGE_SIZE))
    world.device.set_backing_path(str(path))
    world.device.initialise(PAGES * PAGE_SIZE)
    _write(world)
    world.device.writeback(pages=range(2))


class _Observer:
    """An observer that wants to know the steps of reads."""

    def __call__(self, kind: str, /, *args: int) -> None:
        """Take notice."""

    def on_read_step(self, kind: str, /, *args: int) -> None:
        """Take notice."""


_CONFIGURATION: Final = (
    "Zram.set_algorithm", "Zram.set_recomp_algorithm", "Zram.set_algorithm_params", "Zram.set_backing",
    "Zram.set_backing_path", "Zram.set_batch_size", "Zram.set_compressed_writeback", "Zram.set_mem_limit",
    "Zram.set_writeback_limit", "Zram.initialise", "Zram.reset", "Zram.close", "Zram.stats", "Zram.algorithms",
    "Zram.backing_name",
)  # fmt: skip
_PAGES: Final = (
    "Zram.read_page", "Zram.write_page", "Zram.write", "Zram.discard", "Zram.read_pages_into", "Zram.writeback",
    "Zram.recompress", "Zram.compact", "Zram.mark_idle", "Zram.stats", "Zram.block_state", "Zram.snapshot",
    "Zram.slot", "Zram.reset", "Zram.close",
)  # fmt: skip
_OBSERVED: Final = (
    "Zram.read_page", "Zram.write_page", "Zram.write", "Zram.discard", "Zram.read_pages_into", "Zram.mark_idle",
    "Zram.reset",
)  # fmt: skip
_KEEPER: Final = tuple(name for name in METHODS if name.startswith("Keeper."))
_MAP: Final = tuple(name for name in METHODS if name.startswith("PageMap."))
_STEPS: Final = ("advance", "wait", "cancel", "selected", "settled", "cancelled")
_DRIVER: Final = tuple(f"store {name}" for name in STORED) + tuple(name for name in METHODS if name[:5] == "show ")

STATES: Final = (
    PairState("made", _made, _CONFIGURATION),
    PairState("stored", _stored),
    PairState("backed", _backed, _PAGES),
    PairState("cached", _cached, (*_PAGES, "Zram.set_read_cache")),
    PairState("limited", _limited, (
        "Zram.writeback", "Zram.set_writeback_limit", "Zram.enable_writeback_limit", "Zram.write_page", "Zram.write",
        "Zram.set_mem_limit", "Zram.reset", "Zram.stats", "Zram.writeback_limit", "store writeback",
        "Zram.keep_within",
    )),
    PairState("moved", _moved, _PAGES),
    PairState("observed", _backed, _OBSERVED, observer=_Observer()),
    PairState("cached and observed", _cached, _OBSERVED, observer=_Observer()),
    PairState("open", _open, (
        "NodeFile.close", "Node.open", "NodeFile.__enter__", "NodeFile.__exit__", "NodeFile.pread", "Zram.reset",
        "Zram.close",
    )),
    PairState("passing", _passing, (
        *_PAGES, *(f"WritebackPass.{step}" for step in _STEPS), "Zram.begin_writeback", "Zram.begin_recompression",
        "Zram.set_batch_size", "Zram.set_writeback_limit", "interrupt",
    ), _drives, _transfers, time_may_pass=True),
    PairState("recompressing", _recompressing, (
        *_PAGES, *(f"RecompressPass.{step}" for step in _STEPS), "interrupt",
    ), _drives, time_may_pass=True),
    PairState("reading", _backed, (*_PAGES, "Node.open", "NodeFile.close"), _reads, _transfers),
    PairState("returning", _backed, ("the page returns", "Zram.read_page", "Zram.write"), _reads, _transfers, blocks=2),
    PairState("as the driver", _passing, (
        "Zram.writeback", "Zram.recompress", "Zram.block_state", *_DRIVER,
    ), _drives, _transfers, quirks=Quirks.linux_7_3(), time_may_pass=True),
    PairState("aged", _aged, (
        "Zram.read_page", "Zram.write_page", "Zram.read_pages_into", "Zram.discard", "Zram.mark_idle",
        "Zram.block_state", "seconds pass",
    ), tick=1.0),
    PairState("kept", _kept, (
        *_KEEPER, "Zram.keep_within", "Zram.write_page", "Zram.read_page", "Zram.writeback", "Zram.set_mem_limit",
        "Zram.set_read_cache", "Zram.reset", "Zram.close",
    ), kept=True, time_may_pass=True),
    PairState("mapped", _mapped, (*_MAP, "Zram.writeback", "Zram.set_read_cache")),
    PairState("hung", _hung, (
        "Zram.reset", "Zram.close", "Zram.read_page", "Zram.write_page", "Zram.writeback", "Zram.stats",
    ), time_may_pass=True),
    PairState("damaged", _damaged, (
        "Zram.read_page", "Zram.read_pages_into", "Zram.write", "Zram.write_page", "Zram.writeback", "Zram.recompress",
        "store recompress",
    )),
    PairState("on a file", _on_file, (
        "Zram.read_page", "Zram.write_page", "Zram.writeback", "Zram.reset",
    ), on_file=True, time_may_pass=True),
    PairState("defective", _defective, ("Zram.reset", "Zram.close", "Zram.stats", "Zram.read_page"), defective=True),
)  # fmt: skip
BY_NAME: Final = {state.name: state for state in STATES}
