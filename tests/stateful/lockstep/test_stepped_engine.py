"""The stepped engine does one thing at a time, in the commanded order, on a real device."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stateful.lockstep.stepped_engine import Io, SteppedEngine
from stateful.seam.blocks import GARBAGE
from zram_impl import PAGE_SIZE
from zram_impl.bdev.file import FileDevice, open_file
from zram_impl.engine.request import Phase, WbReq
from zram_impl.units import BlkIdx

PAGES = [bytes([number]) * PAGE_SIZE for number in range(1, 4)]


@pytest.fixture
def device(tmp_path: Path) -> Iterator[FileDevice]:
    with closing(open_file(tmp_path / "backing", size=4 * PAGE_SIZE)) as opened:
        yield opened


class Bench:
    """An engine with requests in flight, and what it has reported."""

    def __init__(self, device: FileDevice, requests: int = 2) -> None:
        self.said: list[tuple[str | int, ...]] = []
        self.device = device
        self.engine = SteppedEngine(device, 3, self._observe)
        self.requests = []
        for number in range(requests):
            page = self.engine.buffer()
            assert page is not None
            page[:] = PAGES[number]
            req = WbReq(number, page)
            req.blk_idx, req.phase = BlkIdx(number + 1), Phase.FLIGHT
            self.requests.append(req)
        self.engine.submit(self.requests)

    def _observe(self, kind: str, /, *args: int) -> None:
        self.said.append((kind, *args))

    def on_block(self, block: int) -> bytes:
        into = bytearray(PAGE_SIZE)
        self.device.read(block, memoryview(into))
        return bytes(into)


def test_nothing_is_written_before_it_is_reported(device: FileDevice) -> None:
    bench = Bench(device)
    assert list(bench.engine.io.values()) == [Io.PENDING, Io.PENDING]
    assert (bench.on_block(1), bench.engine.answered(), bench.said) == (bytes(PAGE_SIZE), [], [])


def test_a_request_goes_from_place_to_place(device: FileDevice) -> None:
    bench = Bench(device, requests=1)
    (req,) = bench.requests
    bench.engine.carry(req)
    assert (bench.on_block(1), req.phase, bench.engine.io) == (PAGES[0], Phase.FLIGHT, {req: Io.OK})
    bench.engine.queue(req)
    assert (req.phase, bench.engine.io, bench.engine.answered()) == (Phase.ANSWERED, {req: Io.INSIDE}, [])
    bench.engine.leave(req)
    assert (bench.engine.answered(), bench.engine.io, bench.engine.answered()) == ([req], {}, [])
    assert bench.said == [("device_ok", 1), ("endio_queue", 0), ("endio_leave", 0)]


def test_a_failed_write_leaves_garbage_on_its_block(device: FileDevice) -> None:
    bench = Bench(device, requests=1)
    bench.engine.carry(bench.requests[0], 5)
    assert (bench.on_block(1), bench.requests[0].error, bench.said) == (GARBAGE, 5, [("device_error", 1)])
    assert bytes(bench.requests[0].page) == PAGES[0]


def test_answers_come_in_the_order_in_which_the_callbacks_left(device: FileDevice) -> None:
    bench = Bench(device)
    for req in reversed(bench.requests):
        bench.engine.carry(req)
        bench.engine.queue(req)
        bench.engine.leave(req)
    assert bench.engine.answered() == bench.requests[::-1]


def test_who_waits_has_everything_carried_to_the_end(device: FileDevice) -> None:
    bench = Bench(device)
    bench.engine.carry(bench.requests[1], 5)
    assert bench.engine.answered(wait=True) == bench.requests
    assert [req.error for req in bench.requests] == [0, 5]
    with pytest.raises(AssertionError, match="who waits has a request in flight"):
        bench.engine.answered(wait=True)


def test_all_pages_but_its_own_are_handed_out_and_returned(device: FileDevice) -> None:
    bench = Bench(device)
    more = bench.engine.buffer()
    assert more is not None
    assert (bench.engine.buffer(), bench.engine.out) == (None, 3)
    for page in (more, *(req.page for req in bench.requests)):
        bench.engine.release(page)
    assert bench.engine.out == 0
    bench.engine.close()


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        (["queue"], "only what the device has answered"),
        (["carry", "carry"], "written once"),
        (["carry", "leave"], "leaves once"),
        (["carry", "queue", "leave", "leave"], "leaves once"),
    ],
)
def test_steps_out_of_order_are_refused(device: FileDevice, steps: list[str], complaint: str) -> None:
    bench = Bench(device, requests=1)
    *before, last = [getattr(bench.engine, step) for step in steps]
    for step in before:
        step(bench.requests[0])
    with pytest.raises(AssertionError, match=complaint):
        last(bench.requests[0])
