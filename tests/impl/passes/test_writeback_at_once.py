"""Doing as much as possible at once is doing the same actions one by one."""

import errno
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.impl.doubles import Bench, huge, page
from tests.impl.passes.driving import assert_at_rest
from zram_impl import PAGE_SIZE, Quirks, Zram
from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.cli.bench.answers import AtOnce
from zram_impl.engine.request import WbReq
from zram_impl.passes.base import MANY, PassProgress, PassStage
from zram_impl.passes.writeback import WritebackPass
from zram_impl.runtime import Runtime
from zram_impl.table.block_map import NextFit
from zram_impl.units import BlkIdx

PAGES = 12
QUIRKS = st.builds(
    Quirks, decide_before_reaping=st.booleans(), queue_twice=st.booleans(), lowest_free_block=st.booleans()
)
STEPS = st.tuples(
    st.lists(st.tuples(st.sampled_from(["read", "write", "discard"]), st.integers(0, PAGES - 1)), max_size=3),
    st.lists(st.tuples(st.integers(0, PAGES), st.sampled_from([0, errno.EIO])), max_size=4),
)
"""Actions of users, and the writes in flight that are answered, before the pass proceeds."""


class Watched:
    """A device, its pass, and its events."""

    def __init__(self, quirks: Quirks, blocks: int, limit: int | None, actions: int) -> None:
        self.events: list[tuple[str, tuple[int, ...]]] = []
        self.bench = Bench(PAGES, blocks, quirks=quirks, observer=lambda kind, *args: self.events.append((kind, args)))
        for index in range(PAGES):
            self.bench.dev.write_page(index, huge(index) if index % 3 == 0 else page(index))
        if limit is not None:
            self.bench.limit(limit)
        self.running: WritebackPass = self.bench.dev.begin_writeback(ranges=[(0, PAGES - 1), (2, 4)])
        self._actions = actions
        while self.running.stage is PassStage.SCANNING:
            self.running.advance(actions)

    def proceed(self) -> PassProgress:
        """Advance until somebody has to wait, or it is over."""
        before = len(self.events)
        while (progress := self.running.advance(self._actions)) is PassProgress.PROGRESS:
            assert len(self.events) - before <= self._actions
            before = len(self.events)
        return progress

    def use(self, kind: str, index: int) -> None:
        if kind == "write":
            self.bench.dev.write_page(index, page(index + 50))
        elif kind == "read":
            self.bench.dev.read_page(index)
        else:
            self.bench.dev.discard(index * 4096, 4096)

    def answer(self, position: int, error: int) -> None:
        if self.bench.engine.held:
            self.bench.engine.answer(self.bench.engine.slots[position % len(self.bench.engine.held)], error)


@given(
    st.sampled_from([2, 3, 4, 7, MANY]),
    QUIRKS,
    st.integers(1, 9),
    st.one_of(st.none(), st.integers(0, 9)),
    st.lists(STEPS, max_size=6),
)
def test_the_same_actions_in_the_same_order(
    actions: int,
    quirks: Quirks,
    blocks: int,
    limit: int | None,
    steps: list[tuple[list[tuple[str, int]], list[tuple[int, int]]]],
) -> None:
    at_once, one_by_one = (Watched(quirks, blocks, limit, actions) for actions in (actions, 1))
    for uses, answers in [*steps, *[([], [])] * (2 * PAGES)]:
        for each in (at_once, one_by_one):
            for use in uses:
                each.use(*use)
            for answer in answers:
                each.answer(*answer)
            if each.proceed() is PassProgress.WAIT and not answers:
                each.running.wait()
        assert at_once.events == one_by_one.events
        assert at_once.bench.snapshot == one_by_one.bench.snapshot
    assert at_once.running.result == one_by_one.running.result
    assert_at_rest(at_once.bench)


def test_the_blocks_of_a_batch_are_reserved_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    reserve, asked = NextFit.reserve_up_to, list[int]()

    def counted(blocks: NextFit, most: int) -> list[BlkIdx]:
        asked.append(most)
        return reserve(blocks, most)

    monkeypatch.setattr(NextFit, "reserve_up_to", counted)
    bench = Bench(PAGES, PAGES, batch_size=4).store(*range(PAGES))
    running = bench.dev.begin_writeback(pages=range(PAGES))
    for _ in range(2):
        while running.advance(MANY) is PassProgress.PROGRESS:
            pass
        bench.engine.answer_all()
    # The requests of the first batch are made one by one, as far as there is memory.
    assert asked[-1] == 4


class Sizes(AtOnce):
    """An engine that answers at once, and notes how much it gets at a time."""

    def __init__(self, device: BackingDevice, runtime: Runtime) -> None:
        super().__init__(device, runtime)
        self.sizes: list[int] = []

    def submit(self, requests: Sequence[WbReq]) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        self.sizes.append(len(requests))
        super().submit(requests)


@pytest.mark.parametrize(("batch", "portion"), [(1, 1), (8, 8), (32, 32), (48, 32), (100, 50), (200, 100), (256, 128)])
def test_no_more_than_a_portion_is_submitted_at_a_time(batch: int, portion: int) -> None:
    """The device writes one half while the other is filled."""
    engines = list[Sizes]()

    def make(device: BackingDevice, runtime: Runtime) -> Sizes:
        engines.append(Sizes(device, runtime))
        return engines[-1]

    with Zram.create(250 * PAGE_SIZE, backing=MemoryDevice(250), batch_size=batch, engine=make) as dev:
        dev.write_pages(0, b"".join(huge(index) for index in range(250)))
        assert dev.writeback(pages=range(250)).written == 250
    assert max(engines[0].sizes) == portion
