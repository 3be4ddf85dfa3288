"""Every engine: pages arrive, buffers are bounded, an end is an end."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.impl.engine.ring_doubles import DeviceQueue, Make, every_engine
from tests.impl.fake_device import FakeDevice, closing, reap, requests, verdicts
from zram_impl.bdev.file import open_file
from zram_impl.engine.request import Phase, WbReq
from zram_impl.engine.ring import RingEngine
from zram_impl.engine.sync import SyncEngine
from zram_impl.engine.threads import ThreadEngine
from zram_impl.runtime import ThreadRuntime
from zram_impl.units import PAGE_SIZE

pytestmark = pytest.mark.usefixtures("no_thread_is_left")


@every_engine
def test_pages_arrive_at_their_blocks(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "pages.img"
    device = open_file(path, size=64 * PAGE_SIZE)
    blocks = [5, 3, 4, 0, 63, 20, 21, 22]
    with closing(make(device)) as engine:
        assert verdicts(engine, blocks) == dict.fromkeys(sorted(blocks), 0)
    device.close()
    written = path.read_bytes()
    assert {block: written[block * PAGE_SIZE :][:PAGE_SIZE] for block in range(64)} == {
        block: bytes([block + 1 if block in blocks else 0]) * PAGE_SIZE for block in range(64)
    }


@every_engine
def test_a_request_that_its_pass_still_holds_is_not_taken(make: Make) -> None:
    device = FakeDevice()
    with closing(make(device)) as engine:
        held = requests(engine, [1])
        held[0].phase = Phase.HELD
        with pytest.raises(AssertionError, match="in flight"):
            engine.submit(held)
    assert device.calls == []


@every_engine
def test_a_request_is_in_flight_while_the_device_writes_it(make: Make) -> None:
    phases: set[Phase] = set()
    sent: list[WbReq] = []

    def look(_blk_idx: int, pages: Sequence[memoryview]) -> int:
        phases.update(request.phase for request in sent if any(request.page is page for page in pages))
        return len(pages) * PAGE_SIZE

    with closing(make(FakeDevice(look))) as engine:
        sent += requests(engine, range(4))
        engine.submit(sent)
        assert len(reap(engine, 4)) == 4
    assert phases == {Phase.FLIGHT}


@every_engine
def test_no_more_buffers_than_the_depth_are_handed_out(make: Make) -> None:
    with closing(make(FakeDevice())) as engine:
        pages = [engine.buffer() for _ in range(engine.depth)]
        assert None not in pages
        assert engine.buffer() is None
        assert pages[0] is not None
        engine.release(pages[0])
        assert engine.buffer() is pages[0]


@every_engine
def test_an_unused_engine_closes_any_number_of_times(make: Make) -> None:
    engine = make(FakeDevice())
    engine.close()
    engine.close()
    with pytest.raises(AssertionError, match="after close"):
        engine.buffer()


@every_engine
def test_nothing_is_submitted_to_a_closed_engine(make: Make) -> None:
    device = FakeDevice()
    engine = make(device)
    sent = requests(engine, [1])
    engine.close()
    with pytest.raises(AssertionError, match="closed engine"):
        engine.submit(sent)
    assert device.calls == []


@pytest.mark.parametrize("kind", [ThreadEngine, RingEngine])
def test_an_answer_is_reported_under_the_lock_of_the_done_queue(kind: type[ThreadEngine | RingEngine]) -> None:
    """Else the pass could take the answer, and report what it does with it, before the answer is reported."""
    device, runtime, free = FakeDevice(), ThreadRuntime(), list[bool]()

    def look(_kind: str, *_args: int) -> None:
        free.append(engine._answers.acquire(blocking=False))  # type: ignore[attr-defined]  # of native conditions
        if free[-1]:
            engine._answers.release()  # type: ignore[attr-defined]  # likewise

    engine: ThreadEngine | RingEngine
    if kind is ThreadEngine:
        engine = ThreadEngine(device, runtime, depth=4, observer=look)
    else:
        engine = RingEngine(device, runtime, DeviceQueue(device), depth=4, observer=look)
    with closing(engine):
        verdicts(engine, [1, 2])
    assert set(free) == {False}


def test_the_reference_writes_page_by_page_within_submit() -> None:
    device = FakeDevice()
    with closing(SyncEngine(device, depth=4)) as engine:
        sent = requests(engine, [3, 1, 2])
        engine.submit(sent)
        assert device.calls == [[3], [1], [2]]
        assert engine.answered() == sent
        assert engine.answered(wait=True) == []
