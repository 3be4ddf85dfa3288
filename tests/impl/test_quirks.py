"""Quirks: none by default but the one that is no worse, all of them as the driver; what each changes."""

from contextlib import nullcontext
from dataclasses import FrozenInstanceError, asdict, fields
from errno import EINTR, EINVAL, EIO, ENOSPC, ENOTBLK
from inspect import cleandoc
from pathlib import Path

import pytest

from tests.impl.doubles import Bench, page
from tests.impl.passes.driving import assert_at_rest, begin, finish, kinds, until_waiting
from tests.refused import refused
from zram_impl import PAGE_SIZE, Quirks, Zram, ZramError
from zram_impl.device.passes import Passes
from zram_impl.shield import Interrupts

EARLIER = [
    *("params_kept", "old_age_marks_all", "levels_unchecked", "deflate_ignores_dictionary"),
    *("dictionary_errors_hidden", "rounded_size_unchecked"),
]


def test_the_default_has_only_the_one_that_is_no_worse() -> None:
    assert [name for name, on in asdict(Quirks()).items() if on] == ["read_cancels_claim"]


def test_the_driver_has_all_but_what_it_had_earlier() -> None:
    assert [name for name, on in asdict(Quirks.linux_7_3()).items() if not on] == EARLIER


@pytest.mark.parametrize(
    ("version", "early"),
    [
        ("7.3.4", False),
        ("7.3.4+deb13-cloud-amd64", False),
        ("7.10", False),
        ("7.3.3", True),
        ("7.3", True),
        ("6.1.9", True),
    ],
)
def test_quirks_are_those_of_the_version(version: str, early: bool) -> None:
    quirks = Quirks.linux(version)
    assert {name: getattr(quirks, name) for name in EARLIER} == dict.fromkeys(EARLIER, early)
    assert quirks.old_age_unchecked == (not early)
    assert (quirks == Quirks.linux_7_3()) == (not early)


@pytest.mark.parametrize("kept", [False, True])
def test_parameters_of_an_algorithm_that_is_stored_again(kept: bool) -> None:
    """Recording p1_params_dropped: a level that deflate does not take is refused, unless it was dropped."""
    dev = Zram(quirks=Quirks(params_kept=kept))
    for name, text in (("comp_algorithm", "deflate"), ("algorithm_params", "level=10"), ("comp_algorithm", "deflate")):
        dev.attrs.store(name, text)
    with dev, pytest.raises(ZramError) if kept else nullcontext():
        dev.attrs.store("disksize", "16K")


def test_version_is_one() -> None:
    with pytest.raises(ValueError, match=r"version must begin with two numbers, as 7\.3 does, got 'newest'"):
        Quirks.linux("newest")


@pytest.mark.parametrize("age", [100, 101, 4294967295])
def test_age_above_the_uptime_marks_all_before_7_3_4(age: int) -> None:
    """Recording idle_ages: now minus the age wrapped to a time at which every page was old."""
    bench = Bench(quirks=Quirks.linux("7.2"))
    with pytest.raises(ZramError):
        Zram(quirks=Quirks.linux("7.2")).attrs.store("idle", "4294967295")
    bench.clock.seconds = 100
    bench.store(0, 1)
    bench.dev.attrs.store("idle", "99")
    assert "i" not in marks(bench)
    bench.dev.attrs.store("idle", str(age))
    assert marks(bench).count("i") == 2


def marks(bench: Bench) -> str:
    return " ".join(line.split()[2] for line in bench.dev.block_state().splitlines())


def test_each_is_explained() -> None:
    assert [f.name for f in fields(Quirks) if f"\n    {f.name}: " not in cleandoc(Quirks.__doc__ or "")] == []


def test_quirks_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(Quirks(), "queue_twice", True)  # noqa: B010 - the type checker sees a plain assignment too


def test_a_driver_takes_no_regular_file_by_its_attribute(tmp_path: Path) -> None:
    path = tmp_path / "pages.img"
    path.write_bytes(bytes(PAGE_SIZE))
    with Zram(quirks=Quirks(regular_file_refused=True)) as device:
        with refused(ENOTBLK):
            device.attrs.store("backing_dev", str(path))
        device.set_backing(path)  # a Python caller knows what it is
    with Zram() as device:
        assert device.attrs.store("backing_dev", str(path)) == len(str(path))


@pytest.mark.parametrize("cancels", [True, False])
def test_a_read_in_flight_takes_the_claim_off_or_leaves_it(cancels: bool) -> None:
    bench = Bench(quirks=Quirks(read_cancels_claim=cancels)).store(0, 1)
    running = begin(bench, 0, 1)
    assert bench.dev.read_page(1) == page(1)
    result = finish(running)
    assert (result.written, result.lost) == ((1, 1) if cancels else (2, 0))
    assert bench.dev.read_page(1) == page(1)
    assert_at_rest(bench)


def test_a_stop_for_want_of_what_nobody_needs_any_more() -> None:
    """One page is in flight and takes the last block; the other one is discarded then."""
    results = []
    for quirks in (Quirks(), Quirks(claim_checked_last=True, decide_before_reaping=True)):
        bench = Bench(blocks=1, batch_size=1, quirks=quirks).store(0, 1)
        running = begin(bench, 0, 1)
        bench.dev.discard(0, PAGE_SIZE)
        result = finish(running)
        results.append((result.written, result.skipped, result.stopped_by, result.driver_errno))
        assert_at_rest(bench)
    assert results == [(1, 1, None, 0), (1, 1, "no_space", ENOSPC)]


@pytest.mark.parametrize(("blocks", "stopped_by"), [(8, "limit"), (1, "no_space")])
def test_a_twin_given_up_keeps_the_claim_in_flight(blocks: int, stopped_by: str) -> None:
    bench = Bench(blocks=blocks, quirks=Quirks(queue_twice=True, decide_before_reaping=True)).store(0)
    bench.limit(1 if blocks > 1 else 9)
    result = finish(begin(bench, 0, 0))
    assert (result.written, result.skipped, result.left, result.stopped_by) == (1, 1, 0, stopped_by)
    assert kinds(bench)[0] == "W"
    assert_at_rest(bench)


def test_a_failed_block_is_left_for_last_or_tried_at_once() -> None:
    written = []
    for quirks in (Quirks(), Quirks(retry_failed_block=True, lowest_free_block=True)):
        bench = Bench(batch_size=1, quirks=quirks).store(0, 1, 2)
        running = begin(bench, 0, 1, 2)
        while bench.engine.held:  # block 0 is bad
            bench.engine.answer(bench.engine.slots[0], EIO if bench.engine.blocks == [0] else 0)
            until_waiting(running)
        written.append(finish(running).written)
        assert_at_rest(bench)
    assert written == [2, 0]


@pytest.mark.parametrize(("quirks", "code"), [(Quirks(), EIO), (Quirks(mask_results=True), ENOSPC)])
def test_what_a_store_fails_with(quirks: Quirks, code: int) -> None:
    """A page fails, then another finds the device full."""
    bench = Bench(blocks=1, batch_size=1, quirks=quirks).store(0, 1, 2)
    bench.engine.errors = [EIO]
    with refused(code):
        bench.dev.attrs.store("writeback", "page_indexes=0-2")


def test_a_wait_for_another_pass_that_is_interrupted_is_eintr() -> None:
    bench = Bench(quirks=Quirks(pass_waits=True)).store(0)
    running = begin(bench, 0)
    interrupts = Interrupts()
    interrupts.cancelled = True
    with refused(EINTR):
        bench.dev._life.live().refuse_or_wait(interrupts)
    assert finish(running).written == 1


@pytest.mark.parametrize("waits", [False, True])
def test_the_control_plane_waits_for_a_pass_only_if_asked_to(waits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[Passes] = []

    def wait_for_pass(passes: Passes, _interrupts: object) -> None:
        waited.append(passes)

    monkeypatch.setattr(Passes, "wait_for_pass", wait_for_pass)
    bench = Bench(quirks=Quirks(control_plane_blocks=waits)).store(0)
    running = begin(bench, 0)
    assert bench.dev.attrs.show("disksize") == "32768\n"
    assert waited == []
    bench.dev.attrs.show("mm_stat")
    bench.dev.attrs.store("writeback_limit", "7")
    bench.dev.block_state()
    assert len(waited) == (3 if waits else 0)
    for name, text in REFUSED_AT_ONCE:
        with refused(EINVAL):
            bench.dev.attrs.store(name, text)
    assert bench.dev.attrs.store("idle", "") == 0
    assert len(waited) == (3 if waits else 0)
    assert finish(running).written == 1


REFUSED_AT_ONCE = (
    *(("idle", "x"), ("mem_limit", "x"), ("mem_used_max", "1"), ("writeback_limit", "x")),
    *(("writeback_limit_enable", "x"), ("writeback_batch_size", "0"), ("compressed_writeback", "x")),
    *(("comp_algorithm", "nosuch"), ("disksize", "0"), ("reset", "0"), ("recompress", "type=x")),
    *(("recomp_algorithm", "algo=nosuch priority=1"), ("recomp_algorithm", "priority=1")),
)
