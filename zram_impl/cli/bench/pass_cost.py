"""Time of a writeback pass beside its engine's: the same pages and blocks, driven by a loop that only writes.

The loop decompresses and submits as the pass does, but it selects, locks, checks and commits nothing.
"""

from collections.abc import Sequence
from time import perf_counter

from zram_impl.cli.course import Course
from zram_impl.cli.pairing import Paired, paired
from zram_impl.cli.stop import Stop
from zram_impl.compression.algorithms import ALGORITHMS, DEFAULT_ALGORITHM, Params
from zram_impl.compression.codec import decode, encode
from zram_impl.device.engines import DEFAULT_ENGINE, ENGINES
from zram_impl.engine.protocol import Engine
from zram_impl.engine.request import Phase, WbReq
from zram_impl.runtime import ThreadRuntime
from zram_impl.units import BlkIdx


def pass_cost(
    pages: Sequence[bytes],
    batch: int,
    directory: str | None,
    rounds: int,
    stop: Stop,
    engine: str = DEFAULT_ENGINE,
) -> Paired:
    """Compare whole passes (the yardstick) with the bare engine; both without fdatasync, no page same-filled.

    The ratio is the share of the engine's speed that a pass keeps.
    """
    algorithm = ALGORITHMS[DEFAULT_ALGORITHM](Params())
    objects = [entry for page in pages if type(entry := encode(page, algorithm.compress)) is bytes]
    with Course(pages, directory, stop, engine) as course:
        bare = ENGINES[engine](course.device, ThreadRuntime())
        try:
            requests = [WbReq(number, page) for number in range(batch) if (page := bare.buffer()) is not None]
            return paired(
                lambda _: course.run(batch, sync=False),
                lambda _: _write_all(objects, bare, requests),
                1,
                rounds,
                stop,
            )
        finally:
            bare.close()


def _write_all(objects: Sequence[bytes], engine: Engine, requests: Sequence[WbReq]) -> float:
    """Write the pages of `objects` to the blocks from 0, every request in flight as long as there is one to write."""
    decompress = ALGORITHMS[DEFAULT_ALGORITHM](Params()).decompress
    began = perf_counter()
    idle, block, left = list(requests), 0, len(objects)
    while left:
        batch = []
        while idle and block < len(objects):
            req = idle.pop(0)  # in the order of their pages in memory, as the pass does
            req.page[:] = decode(objects[block], decompress)
            req.blk_idx = BlkIdx(block)
            req.phase = Phase.FLIGHT
            batch.append(req)
            block += 1
        if batch:
            engine.submit(batch)
        answered = engine.answered() or engine.answered(wait=True)
        left -= len(answered)
        idle += answered
    return perf_counter() - began
