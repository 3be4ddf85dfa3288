"""The outcome of a pass must not depend on how it was run; a device of which it does is found."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stateful.command import main
from stateful.metamorphic import independence
from stateful.metamorphic.independence import REFERENCE, compare, run, ways
from stateful.metamorphic.ordered import OrderedEngine
from stateful.metamorphic.program import FailingWrites, Program, Step, programs
from stateful.metamorphic.running import Way
from stateful.metamorphic.zram_running import ZramRunning
from stateful.seam.operations import RunPass, SetLimit, WritePage
from zram_impl import Quirks
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.engine.request import Phase, WbReq

HUGE: tuple[Step, ...] = tuple(WritePage(page, "huge") for page in range(3))
NO_PAGES: frozenset[int] = frozenset()


@settings(max_examples=100)
@given(programs(), st.integers(0, 1 << 32))
def test_batch_size_and_order_do_not_change_the_outcome(program: Program, order: int) -> None:
    outcome = compare(program, order, Quirks())
    assert len(outcome.passes) == sum(isinstance(step, RunPass) for step in program.steps)


def test_a_campaign_counts_what_it_ran() -> None:
    seen: list[int] = []
    campaign = run(5, 1, seen.append)
    assert (campaign.programs, campaign.runs, campaign.finding, seen) == (5, 45, None, [1, 2, 3, 4, 5])
    assert campaign.passes >= 5


@pytest.mark.parametrize("name", ["decide_before_reaping", "mask_results", "retry_failed_block"])
def test_a_quirk_that_depends_on_it_is_found_out(name: str) -> None:
    campaign = run(200, 0, quirks=Quirks(**{name: True, "lowest_free_block": True}), shrink=False)
    assert "are not those of" in str(campaign.finding)


def test_one_block_two_pages_and_a_failed_write_end_alike() -> None:
    """With the driver's decisions, one request at a time writes a page here, and two at a time write none."""
    failing = FailingWrites(frozenset({2}), NO_PAGES)
    program = Program(3, 1, compressed=False, steps=(*HUGE, failing, RunPass("huge", ())))
    assert compare(program, 7, Quirks()).passes[0].written == (1,)
    quirky = [ZramRunning(program, Way(size, None), Quirks.linux_7_3()).outcome().passes[0].written for size in (1, 2)]
    assert quirky == [(1,), ()]


def test_an_interrupted_program_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C inside the engine: answers were lost, and closing the device waited for them without an end."""
    answered, lost = OrderedEngine.answered, list[WbReq]()

    def interrupted(engine: OrderedEngine, wait: bool = False) -> list[WbReq]:
        found = answered(engine, wait)
        if lost or not found:
            return found
        lost.extend(found)
        raise KeyboardInterrupt

    monkeypatch.setattr(OrderedEngine, "answered", interrupted)
    program = Program(3, 3, compressed=False, steps=(*HUGE, RunPass("huge", ())))
    with pytest.raises(KeyboardInterrupt):
        ZramRunning(program, Way(2, None), Quirks()).outcome()


def test_a_bad_block_is_not_tried_before_the_others() -> None:
    failing = FailingWrites(NO_PAGES, frozenset({0}))
    program = Program(3, 3, compressed=False, steps=(*HUGE, failing, RunPass(None, (0, 1, 2))))
    assert compare(program, 1, Quirks()).passes[0].written == (0, 1)


def test_bad_blocks_are_tried_again_when_no_other_is_left() -> None:
    failing = FailingWrites(frozenset({1, 2}), NO_PAGES)
    program = Program(3, 1, compressed=False, steps=(*HUGE, failing, RunPass("huge", ())))
    assert compare(program, 1, Quirks()).passes[0].written == (0,)


def test_a_limit_is_used_up_whatever_failed_before() -> None:
    failing = FailingWrites(frozenset({2}), NO_PAGES)
    program = Program(3, 9, compressed=False, steps=(*HUGE, failing, SetLimit(1), RunPass("huge", ())))
    outcome = compare(program, 3, Quirks())
    assert (outcome.passes[0].written, outcome.passes[0].stopped_by, outcome.limit) == ((1,), "limit", 0)


def test_every_batch_size_is_run_in_several_orders() -> None:
    assert [way.batch_size for way in (REFERENCE, *ways(0))] == [1, 2, 7, 32, 2, 7, 32, 32, 32]
    assert len(set(ways(0))) == 8


def test_who_waits_gets_an_answer_and_who_does_not_may_get_none() -> None:
    engine = OrderedEngine(MemoryDevice(8), lambda _request: 0, random.Random(1))
    requests = []
    for number in range(8):
        page = engine.buffer()
        assert page is not None
        requests.append(WbReq(number, page))
        requests[-1].blk_idx, requests[-1].phase = number, Phase.FLIGHT  # type: ignore[assignment]  # any number
    engine.submit(requests)
    counts: list[int] = []
    while sum(counts) < 8:
        counts.append(len(engine.answered(wait=True)))
        assert counts[-1] > 0
    assert engine.answered(wait=True) == engine.answered() == []


def test_the_command_says_what_it_ran(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["metamorphic", "--programs", "3", "--seed", "5"]) == 0
    assert capsys.readouterr().out.startswith("3 programs in 27 runs, ")
    monkeypatch.setattr(independence, "Quirks", Quirks.linux_7_3)
    assert main(["metamorphic", "--programs", "300"]) == 1
    out = capsys.readouterr().out
    assert "are not those of" in out
    assert out.endswith("FAILED\n")


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(2, 3)
    assert list(tmp_path.iterdir()) == []


def test_no_programs_are_wrong_usage() -> None:
    with pytest.raises(SystemExit) as left:
        main(["metamorphic", "--programs", "0"])
    assert left.value.code == 2
