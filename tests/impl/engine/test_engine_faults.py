"""Every engine: each request is answered once and with its own verdict, whatever the device does."""

import errno
import random
from collections.abc import Sequence

import pytest

from tests.impl.engine.ring_doubles import Make, every_engine, every_engine_of_a_device
from tests.impl.fake_device import FakeDevice, closing, reap, requests, verdicts
from tests.refused import raising
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.engine.request import Phase
from zram_impl.faults import Failing, Short, at_random, on_blocks
from zram_impl.units import PAGE_SIZE, BlkIdx

pytestmark = pytest.mark.usefixtures("no_thread_is_left")


@every_engine
def test_an_error_of_one_block_does_not_fail_its_neighbours(make: Make) -> None:
    with closing(make(Failing(FakeDevice(), on_blocks([4]), code=errno.ENOSPC))) as engine:
        assert verdicts(engine, range(8)) == dict.fromkeys(range(8), 0) | {4: errno.ENOSPC}


@every_engine
def test_a_short_write_fails_the_bad_block_alone(make: Make) -> None:
    def stops(blk_idx: int, pages: Sequence[memoryview]) -> int:
        if blk_idx == 4:
            raise OSError(errno.EIO, "block 4 is bad")
        return min(len(pages), 4 - blk_idx if blk_idx < 4 else len(pages)) * PAGE_SIZE

    with closing(make(FakeDevice(stops))) as engine:
        assert verdicts(engine, range(8)) == dict.fromkeys(range(8), 0) | {4: errno.EIO}


@every_engine
@pytest.mark.parametrize("most", [0, 1, PAGE_SIZE - 1])
def test_a_page_that_stays_short_is_an_io_error(make: Make, most: int) -> None:
    with closing(make(FakeDevice(lambda _blk_idx, _pages: most))) as engine:
        assert verdicts(engine, [7, 8, 9]) == {7: errno.EIO, 8: errno.EIO, 9: errno.EIO}


@every_engine
def test_a_page_that_is_short_once_is_written_again(make: Make) -> None:
    device = FakeDevice(lambda _blk_idx, pages: len(pages) * PAGE_SIZE - (len(device.calls) == 1))
    with closing(make(device)) as engine:
        assert verdicts(engine, [7, 8]) == {7: 0, 8: 0}


@every_engine
def test_an_error_without_errno_is_an_io_error(make: Make) -> None:
    with closing(make(FakeDevice(raising(OSError, "no errno")))) as engine:
        assert verdicts(engine, [1]) == {1: errno.EIO}
        assert verdicts(engine, [1, 2, 3]) == {1: errno.EIO, 2: errno.EIO, 3: errno.EIO}


@every_engine_of_a_device
def test_a_defect_answers_its_requests_and_is_raised_at_close(make: Make) -> None:
    def broken(blk_idx: int, pages: Sequence[memoryview]) -> int:
        if blk_idx == 100:
            raise KeyError("broken device")
        return len(pages) * PAGE_SIZE

    engine = make(FakeDevice(broken))
    assert verdicts(engine, [5, 100, 200]) == {5: 0, 100: errno.EIO, 200: 0}
    assert verdicts(engine, [6, 7]) == {6: 0, 7: 0}
    with pytest.raises(AssertionError, match="broken device") as caught:
        engine.close()
    assert isinstance(caught.value.__cause__, KeyError)
    engine.close()


@every_engine_of_a_device
def test_a_write_of_more_than_was_given_is_a_defect(make: Make) -> None:
    engine = make(FakeDevice(lambda _blk_idx, pages: len(pages) * PAGE_SIZE + 1))
    assert verdicts(engine, [5]) == {5: errno.EIO}
    with pytest.raises(AssertionError, match="no more than it was given"):
        engine.close()


@every_engine
def test_every_request_is_answered_once_by_a_failing_device(make: Make) -> None:
    device = Failing(Short(MemoryDevice(2000), at_random(0.2, seed=1)), at_random(0.2, seed=2))
    choose = random.Random(3)
    with closing(make(device)) as engine:
        idle = requests(engine, range(32))
        flight: set[int] = set()
        for _ in range(300):
            chosen = choose.sample(idle, choose.randint(0, len(idle)))
            start = choose.randrange(1000)
            for block, request in enumerate(chosen):
                request.blk_idx = BlkIdx(start + block + block // 5)
                request.phase = Phase.FLIGHT
                idle.remove(request)
            engine.submit(chosen)
            flight |= {request.number for request in chosen}
            for request in engine.answered(wait=bool(flight)):
                flight.remove(request.number)
                idle.append(request)
        for request in reap(engine, len(flight)):
            flight.remove(request.number)
        assert flight == set()
