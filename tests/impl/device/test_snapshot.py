"""Looking without touching: the snapshot and block_state."""

import errno

import pytest

from tests.impl.doubles import Bench, huge, page, same
from tests.impl.passes.driving import begin
from tests.refused import refused
from zram_impl import ZramTypeError
from zram_impl.decisions import SlotKind
from zram_impl.device.snapshot import RequestView, SlotView, Snapshot
from zram_impl.engine.request import Phase
from zram_impl.passes.base import PassStage
from zram_impl.table.slot_table import INCOMPRESSIBLE


def test_a_snapshot_has_everything() -> None:
    bench = Bench(pages=5, blocks=2)
    bench.dev.write_page(1, same(5))
    bench.dev.write_page(2, huge(2))
    bench.dev.write_page(3, page(3))
    bench.dev.write_page(4, huge(4))
    bench.dev.writeback(pages=[4])
    bench.dev.mark_idle()
    bench.limit(6)
    begin(bench, 3)
    size = bench.pages.table.size(3)
    assert bench.snapshot == Snapshot(
        slots=(
            SlotView(SlotKind.EMPTY, 0, False, False, False, None),
            SlotView(SlotKind.SAME, 0, False, False, False, None),
            SlotView(SlotKind.STORED, 4096, True, True, False, None),
            SlotView(SlotKind.PP_SLOT, size, False, True, True, None),
            SlotView(SlotKind.WB, 4096, True, False, False, 0),
        ),
        queued=(),
        requests=(RequestView(Phase.FLIGHT, 3, 1, 2, page(3)),),
        held_block=None,
        stage=PassStage.WRITING,
        blocks=b"\1\1",
        limit_enabled=True,
        limit=5,
        grant=2,
        pages_stored=4,
        same_pages=1,
        huge_pages=1,
        compr_data_size=4096 + size,
        bd_count=2,
    )


def test_a_slot_is_that_of_the_snapshot() -> None:
    bench = Bench(pages=4, blocks=2)
    bench.dev.write_page(1, same(1))
    bench.dev.write_page(2, huge(2))
    bench.dev.writeback(pages=[2])
    bench.store(3)
    bench.dev.mark_idle()
    assert tuple(map(bench.dev.slot, range(4))) == bench.snapshot.slots
    for index in (-1, 4):
        with refused(errno.EINVAL, "must"):
            bench.dev.slot(index)
    with pytest.raises(ZramTypeError):
        bench.dev.slot("0")  # type: ignore[arg-type]  # what is tested


def test_looking_changes_nothing() -> None:
    bench = Bench().store(1, 2)
    bench.dev.mark_idle()
    running = bench.dev.begin_writeback(pages=[1, 2])
    running.advance(1)
    before = bench.snapshot
    bench.dev.block_state()
    bench.dev.slot(1)
    assert bench.snapshot == before


def test_block_state_marks_every_stored_page() -> None:
    bench = Bench(pages=7, blocks=2)
    for number in (1, 2, 4):
        bench.dev.write_page(number, huge(number))
    bench.store(3, 5)
    bench.dev.write_page(6, same(1))
    bench.dev.writeback(pages=[2, 5])
    bench.dev.mark_idle()
    pages = bench.pages
    pages.table.flags[4] = INCOMPRESSIBLE
    marks = {int(line[:12]): line[-6:] for line in bench.dev.block_state().splitlines()}
    assert marks == {1: "..hi..", 2: ".wh...", 3: "...i..", 4: "..h..n", 5: ".w....", 6: "s....."}


def test_a_line_of_block_state_is_as_wide_as_the_drivers() -> None:
    assert Bench().store(3).dev.block_state() == "           3         1000.000000 ......\n"


def test_block_state_of_an_empty_device_is_empty() -> None:
    assert Bench().dev.block_state() == ""
