"""A device that a test decides over, and requests that it is sent through an engine."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from zram_impl.engine.protocol import Engine
from zram_impl.engine.request import Phase, WbReq
from zram_impl.units import PAGE_SIZE, BlkIdx

Write = Callable[[int, Sequence[memoryview]], int]


class FakeDevice:
    """A device that keeps which blocks each call wrote, and lets a function decide the outcome."""

    name = "fake"
    blocks = 1 << 20

    def __init__(self, write: Write | None = None) -> None:
        self.calls: list[list[int]] = []
        self.threads: set[int] = set()
        self._write = write

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        self.calls.append([blk_idx + n for n in range(len(pages))])
        self.threads.add(threading.get_ident())
        return len(pages) * PAGE_SIZE if self._write is None else self._write(blk_idx, pages)

    def read(self, blk_idx: int, into: memoryview) -> None:
        raise AssertionError("an engine reads nothing")

    def sync(self) -> None:
        raise AssertionError("an engine makes nothing durable")

    def close(self) -> None:
        raise AssertionError("a device is closed by its owner")


@contextmanager
def closing(engine: Engine) -> Iterator[Engine]:
    try:
        yield engine
    finally:
        engine.close()


def requests(engine: Engine, blocks: Iterable[int]) -> list[WbReq]:
    """Requests for blocks, their pages filled with a byte made of the block's number."""
    made = []
    for number, block in enumerate(blocks):
        page = engine.buffer()
        assert page is not None
        page[:] = bytes([block % 251 + 1]) * PAGE_SIZE
        request = WbReq(number, page)
        request.blk_idx = BlkIdx(block)
        request.phase = Phase.FLIGHT
        request.error = -1
        made.append(request)
    return made


def reap(engine: Engine, count: int) -> list[WbReq]:
    got: list[WbReq] = []
    while len(got) < count:
        got += engine.answered(wait=True)
    return got


def verdicts(engine: Engine, blocks: Sequence[int]) -> dict[int, int]:
    """Write blocks in one submission; the errno of each."""
    engine.submit(requests(engine, blocks))
    got = reap(engine, len(blocks))
    assert {request.phase for request in got} == {Phase.ANSWERED}
    assert engine.answered() == []
    return {request.blk_idx: request.error for request in sorted(got, key=lambda request: request.blk_idx)}
