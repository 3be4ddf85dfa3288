"""Doubles: a backing device in memory with a hook before every call, and an engine that answers on demand."""

import random
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Final, Self, cast

from stateful.common.held_engine import HeldEngine
from zram_impl import PAGE_SIZE, Quirks, Zram
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.device.passes import Passes
from zram_impl.device.snapshot import Snapshot
from zram_impl.engine.request import WbReq
from zram_impl.events.observer import Observer
from zram_impl.pages.page_io import Pages
from zram_impl.runtime import Rank, ThreadRuntime

PATIENCE: Final = 20.0
"""Seconds after which a wait for another thread gives up: only ever spent by a test that fails."""


@cache
def page(number: int) -> bytes:
    """A page that compresses; each number its own."""
    return (struct.pack("<I", number) + b"a page that compresses well").ljust(PAGE_SIZE, b".")


@cache
def huge(number: int) -> bytes:
    """A page that does not compress; each number its own."""
    return random.Random(number).randbytes(PAGE_SIZE)


def same(word: int) -> bytes:
    """A page of one repeated word."""
    return word.to_bytes(8, "little") * (PAGE_SIZE // 8)


class HookedDevice(MemoryDevice):
    """A backing device in memory. A hook may raise, or wait at a gate, before anything is read or written."""

    def __init__(self, blocks: int = 8, name: str = "memory") -> None:
        super().__init__(blocks, name)
        self.closed = 0
        self.before_write: Callable[[int], None] = lambda _block: None
        self.before_read: Callable[[int], None] = lambda _block: None
        self.on_close: Callable[[], None] = lambda: None

    @property
    def data(self) -> bytearray:
        """The bytes of all blocks, to be looked at and damaged."""
        return self._content

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:  # type: ignore[explicit-override]  # typing: 3.12
        for block, content in enumerate(pages, start=blk_idx):
            self.before_write(block)
            super().write(block, [content])
        return len(pages) * PAGE_SIZE

    def read(self, blk_idx: int, into: memoryview) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        assert not self.closed, "a closed device is not read"
        self.before_read(blk_idx)
        super().read(blk_idx, into)

    def sync(self) -> None:  # type: ignore[explicit-override]  # likewise
        raise AssertionError("nothing is made durable")

    def close(self) -> None:  # type: ignore[explicit-override]  # likewise
        self.closed += 1
        self.on_close()


class AnsweringEngine(HeldEngine):
    """An engine for one thread that holds what is submitted until `answer` is called."""

    def __init__(self, device: HookedDevice, depth: int) -> None:
        super().__init__(device, depth)
        self.closed = 0
        self.errors: list[int] = []
        """Errnos of the next writes that are answered because somebody waits; 0 for success."""
        self.memory = depth
        """Buffers it will hand out at a time."""
        self._done: list[WbReq] = []

    @property
    def slots(self) -> list[int]:
        """Slots held, in the order of their submission."""
        return [req.index for req in self.held]

    @property
    def blocks(self) -> list[int]:
        """Blocks held, in the order of their submission."""
        return [req.blk_idx for req in self.held]

    def buffer(self) -> memoryview | None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        return super().buffer() if self.out < self.memory else None

    def answer(self, slot: int, error: int = 0) -> None:
        """Write the oldest request held for a slot and answer it; with an error, answer only."""
        req = next(req for req in self.held if req.index == slot)
        self.answer_one(req, error)
        self._done.append(req)

    def answer_all(self, error: int = 0) -> None:
        """Answer everything held."""
        for slot in self.slots:
            self.answer(slot, error)

    def answered(self, wait: bool = False) -> list[WbReq]:
        if wait and not self._done:
            # Who waits for an engine without threads would wait for ever: what is held is done now.
            for slot in self.slots:
                self.answer(slot, self.errors.pop(0) if self.errors else 0)
        done, self._done = self._done, []
        return done

    def close(self) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        self.closed += 1
        super().close()


class CountedLock:
    """A lock that adds up in a counter how often it was taken, under its name."""

    def __init__(self, name: str, taken: Counter[str]) -> None:
        lock = threading.Lock()
        self.acquire, self.release = lock.acquire, lock.release
        self.locked = lock.locked  # which a condition asks for from 3.14 on
        self._at_fork_reinit = getattr(lock, "_at_fork_reinit", None)  # what a child calls
        self._name, self._taken = name, taken

    def __enter__(self) -> bool:
        self._taken[self._name] += 1
        return self.acquire()

    def __exit__(self, *_raised: object) -> None:
        self.release()


class Clock(ThreadRuntime):
    """The runtime of production with a clock that stands still until it is set, and locks that are counted.

    Attributes:
        taken: How often each lock was taken, by its name.
    """

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.taken: Counter[str] = Counter()
        self.now = lambda: self.seconds

    def lock(self, name: str, rank: Rank) -> CountedLock:  # type: ignore[explicit-override]  # typing: from 3.12 on
        del rank
        return CountedLock(name, self.taken)

    def condition(  # type: ignore[explicit-override]  # typing has it from 3.12 on
        self, name: str, rank: Rank
    ) -> threading.Condition:
        return threading.Condition(cast("threading.Lock", self.lock(name, rank)))

    @contextmanager
    def counting(self) -> Iterator[Counter[str]]:
        """Yield a counter that has, at the end, how often each lock was taken since."""
        taken, before = Counter[str](), self.taken.copy()
        yield taken
        taken.update(self.taken - before)


class Bench:
    """A device over blocks in memory and the stepped engine."""

    def __init__(  # noqa: PLR0913  (everything a test may want otherwise)
        self,
        pages: int = 8,
        blocks: int = 8,
        *,
        batch_size: int = 4,
        depth: int = 8,
        quirks: Quirks | None = None,
        observer: Observer | None = None,
        algorithm: str = "lz4",
        compressed: bool = False,
    ) -> None:
        self.backing = HookedDevice(max(blocks, 1))
        self.engine = AnsweringEngine(self.backing, depth)
        self.clock = Clock()
        self.dev = Zram(
            quirks=quirks, engine=lambda _device, _runtime: self.engine, observer=observer, runtime=self.clock
        )
        self.dev.set_algorithm(algorithm)
        self.dev.set_backing(self.backing)
        self.dev._life.held.released()  # in memory: nothing is wrong with dropping it
        self.backing.blocks = blocks  # none at all, perhaps: what no device is taken with
        self.dev.set_batch_size(batch_size)
        self.dev.set_compressed_writeback(compressed)
        self.dev.initialise(pages * PAGE_SIZE)

    def store(self, *numbers: int) -> Self:
        """Write compressible page n to slot n, for each number; return this bench."""
        for number in numbers:
            self.dev.write_page(number, page(number))
        return self

    def store_huge(self, *numbers: int) -> Self:
        """Write page n, which does not compress, to slot n, for each number; return this bench."""
        for number in numbers:
            self.dev.write_page(number, huge(number))
        return self

    def limit(self, blocks: int) -> Self:
        """Store a limit and enable it; return this bench."""
        self.dev.set_writeback_limit(blocks)
        self.dev.enable_writeback_limit(True)
        return self

    @property
    def passes(self) -> Passes:
        """The passes of the device."""
        return self.dev._life.live()

    @property
    def pages(self) -> Pages:
        """The pages of the device."""
        return self.passes.pages

    @property
    def snapshot(self) -> Snapshot:
        """The device's state."""
        return self.dev.snapshot()


class Gate:
    """A place where a thread stops until it is let through."""

    def __init__(self) -> None:
        self._arrived = threading.Event()
        self._open = threading.Event()

    def stop(self, _block: int = 0) -> None:
        """Say that somebody is here, and wait until the gate is opened."""
        self._arrived.set()
        assert self._open.wait(PATIENCE), "nobody opened the gate"

    def wait_for_arrival(self) -> None:
        """Wait until somebody stands at the gate."""
        assert self._arrived.wait(PATIENCE), "nobody arrived at the gate"

    def open(self) -> None:
        """Let everybody through from here on."""
        self._open.set()
