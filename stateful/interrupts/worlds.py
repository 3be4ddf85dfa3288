"""Small devices whose pages are of every kind and differ in every statistic, and what is known of them.

Pages of one size would hide a counter that is off by one of them, so no two objects are equally long.
"""

import gc
import random
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from zram_impl import PAGE_SIZE, Quirks, Zram
from zram_impl.block_layer import Node, NodeFile
from zram_impl.events import Recorder
from zram_impl.faults import ScarceThreads
from zram_impl.mapping import PageMap
from zram_impl.passes.base import PassProgress
from zram_impl.passes.recompress import RecompressPass
from zram_impl.passes.writeback import WritebackPass
from zram_impl.runtime import Condition, Lock, Rank, Runtime, ThreadRuntime
from zram_impl.units import PAGE_SHIFT

PAGES: Final = 24
BLOCKS: Final = 24

_chance: Final = random.Random(7)
_ZEROS: Final = bytes(PAGE_SIZE)
_WORD: Final = b"abcdefgh" * (PAGE_SIZE // 8)


HUGE: Final = tuple(_chance.randbytes(PAGE_SIZE) for _ in range(6))
SMALL: Final = tuple(_chance.randbytes(500 + 37 * number).ljust(PAGE_SIZE, b"\1") for number in range(12))
TEXT: Final = tuple(bytes(_chance.choices(b"abcdefghijklmnopqrst ", k=PAGE_SIZE)) for _ in range(3))
SAME: Final = _WORD
KEY: Final = "a key"
OLD: Final = HUGE[4] + b"old"
"""The value of a mapping's one key, on the first two pages."""

# What each page is.
EMPTY, STORED, FILLED, IS_HUGE, BACKED, BACKED_TOO, IDLE, IDLE_HUGE, RECOMPRESSED, COMPRESSIBLE, MOVED, MOVED_TOO = (
    range(12)
)


class LockWatch(ThreadRuntime):
    """The production runtime, and the locks it has made: no lock may be held when nothing runs."""

    def __init__(self) -> None:
        self.locks: list[tuple[str, Lock]] = []

    def lock(self, name: str, rank: Rank) -> Lock:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        """Make a lock and remember it."""
        made = super().lock(name, rank)
        self.locks.append((name, made))
        return made

    def condition(self, name: str, rank: Rank) -> Condition:  # type: ignore[explicit-override]  # likewise
        """Make a condition and remember its lock."""
        made = super().condition(name, rank)
        self.locks.append((name, made))
        return made

    def held(self) -> list[str]:
        """Return the names of the locks that are held."""
        return sorted({name for name, lock in self.locks if _is_held(lock)})


def _is_held(lock: Lock) -> bool:
    inner = getattr(lock, "_lock", lock)
    locked = getattr(inner, "locked", None)
    return bool(locked()) if callable(locked) else False


class WorldKind(NamedTuple):
    """A way to make the device."""

    quirks: Quirks = Quirks()
    observed: bool = False
    no_threads: bool = False
    running: bool = False
    """A pass has begun, which who makes the calls drives."""
    opened: bool = False
    """Its node is open."""
    mapped: bool = False
    """A mapping has it, with one value and nothing else."""


KINDS: Final = {
    "plain": WorldKind(),
    "observed": WorldKind(observed=True),
    "no threads": WorldKind(no_threads=True),
    "waiting": WorldKind(quirks=Quirks(pass_waits=True, control_plane_blocks=True)),
    "waiting for a pass": WorldKind(quirks=Quirks(pass_waits=True, control_plane_blocks=True), running=True),
    "running": WorldKind(running=True),
    "open": WorldKind(opened=True),
    "mapped": WorldKind(mapped=True),
}


class InterruptedWorld:
    """A device of which everything is known.

    Attributes:
        content: What each page holds.
        running: The pass that has begun, if any.
        file: The node, open, if it is.
        values: A mapping over it, if there is one.
    """

    def __init__(self, kind: WorldKind, folder: Path, number: int) -> None:
        self.kind = kind
        self.watch = LockWatch()
        self.recorder = Recorder() if kind.observed else None
        self.path = folder / f"{number}.img"
        runtime: Runtime = ScarceThreads(self.watch) if kind.no_threads else self.watch
        # Not the ring: the system takes 30 ms to end each of thousands of them. The tests interrupt it with both.
        self.dev = Zram(runtime=runtime, quirks=kind.quirks, observer=self.recorder, engine="threads")
        self.content = [_ZEROS] * PAGES
        self.running: WritebackPass | RecompressPass | None = None
        self.file: NodeFile | None = None
        self.values: PageMap | None = None
        # Not in the main thread, where each call of a device starts a thread that interrupts do not reach.
        with ThreadPoolExecutor(max_workers=1) as aside:
            aside.submit(self._fill).result()

    def _fill(self) -> None:
        dev = self.dev
        dev.set_recomp_algorithm("deflate")
        dev.set_backing(self.path, BLOCKS * PAGE_SIZE)
        self.path.unlink()
        dev.initialise(PAGES * PAGE_SIZE)
        for page in range(PAGES - 6, PAGES):  # what they leave behind makes a compaction worth it
            dev.write_page(page, HUGE[0])
        self._write(MOVED, SMALL[0])
        self._write(MOVED_TOO, SMALL[1])
        dev.discard((PAGES - 6) << PAGE_SHIFT, 6 << PAGE_SHIFT)
        dev.compact()
        self._write(BACKED, HUGE[1])
        self._write(BACKED_TOO, SMALL[2])
        drive(dev.begin_writeback(pages=[BACKED, BACKED_TOO]))
        self._write(RECOMPRESSED, TEXT[0])
        dev.recompress()
        for page, content in (
            (STORED, SMALL[3]), (FILLED, SAME), (IS_HUGE, HUGE[2]), (IDLE, SMALL[4]), (IDLE_HUGE, HUGE[3]),
            (COMPRESSIBLE, TEXT[1]),
        ):  # fmt: skip
            self._write(page, content)
        dev.mark_idle()
        for page in (STORED, IS_HUGE, COMPRESSIBLE):
            dev.read_page(page)
        if self.kind.running:
            self.running = dev.begin_writeback("huge")
            self.running.advance(4)
        if self.kind.opened:
            self.file = Node(dev).open()
        if self.kind.mapped:
            self._map()

    def _map(self) -> None:
        self.dev.discard(0, PAGES * PAGE_SIZE)
        self.content = [_ZEROS] * PAGES
        self.values = PageMap(self.dev)
        self.values[KEY] = OLD
        self.look()

    def look(self) -> None:
        """Take what each page holds for what it is to hold."""
        self.content = [self.dev.read_page(page) for page in range(PAGES)]

    def _write(self, page: int, content: bytes) -> None:
        self.dev.write_page(page, content)
        self.content[page] = content


def drive(running: WritebackPass | RecompressPass) -> None:
    """Drive a pass to its end in the calling thread."""
    while (progress := running.advance()) is not PassProgress.DONE:
        if progress is PassProgress.WAIT:
            running.wait()


class Maker:
    """Makes worlds, each with a file of its own, in a folder that goes away."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def make(self, kind: str) -> InterruptedWorld:
        """Make a world of a kind in `KINDS`."""
        self._made += 1
        return InterruptedWorld(KINDS[kind], self._folder, self._made)

    def fresh(self) -> Path:
        """Return a path that nothing has."""
        self._made += 1
        return self._folder / f"{self._made}.fresh"


@contextmanager
def making() -> Iterator[Maker]:
    """Make worlds in a folder that goes away at the end; in memory where that can be had."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="interrupts-", dir=memory if memory.is_dir() else None) as folder:
        # Garbage is collected at every point, and what is older than this has nothing to do with it.
        frozen = gc.get_freeze_count()
        gc.freeze()
        try:
            yield Maker(Path(folder))
        finally:
            if not frozen:  # else the caller has frozen something for longer
                gc.unfreeze()
