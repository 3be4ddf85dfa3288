"""The recorded machine: what its nodes answer, what waits, what goes on."""

from collections.abc import Iterator

import pytest

from stateful.conformance.contents import Pattern
from stateful.conformance.observe_state import look
from stateful.conformance.operations import (
    BackgroundStore,
    Discard,
    DmTable,
    Hold,
    Join,
    MakeBacking,
    Operation,
    Read,
    Resume,
    Show,
    Store,
    Suspend,
    Unhold,
    Write,
    Zeroout,
)
from stateful.conformance.recorded_machine import HANGS, Guest
from stateful.conformance.schema import Answer
from zram_impl import PAGE_SIZE, Quirks

BLOCKS = 8
TABLE = DmTable(0, BLOCKS, (), ())


@pytest.fixture
def guest() -> Iterator[Guest]:
    """A machine with loop device 0 attached."""
    made = Guest(Quirks.linux_7_3())
    made.do(MakeBacking(0, BLOCKS * PAGE_SIZE))
    yield made
    made.close()


def answers(guest: Guest, *operations: Operation) -> list[object]:
    """Do operations; say what each answered: its errno, its text, or its rc."""
    done = [guest.do(operation) for operation in operations]
    return [answer.err or (answer.rc if answer.text is None else answer.text) for answer in done]


def backed(guest: Guest, pages: int = 4) -> None:
    """Set up the device over dm device 0, with huge pages."""
    assert answers(guest, TABLE, Store("backing_dev", "/dev/dm-0"), Store("disksize", "64K")) == [0, 9, 3]
    guest.do(Write(0, pages, Pattern("rand", 1)))


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/dev/loop0", 10),
        ("/dev/loop0\n", 11),
        ("/dev/loop1", "EINVAL"),
        ("/dev/loop8", "ENOENT"),
        ("/dev/dm-0", "ENOENT"),
        ("/bd/0", "ENOTBLK"),
        ("/bd/1", "ENOENT"),
        ("/dev/console", "ENOTBLK"),
        ("/dev", "EISDIR"),
        ("\n", "EISDIR"),
        ("/dev/zram0", "EINVAL"),
        ("loop0", "ENOENT"),
        ("dev//./loop0", 12),
        ("/bd/../dev/loop0", 16),
        ("/dev/loop0/", "ENOTDIR"),
        ("/dev/loop0/..", "ENOTDIR"),
        ("/bd/0/x", "ENOTDIR"),
        ("/bd/9/x", "ENOENT"),
        ("/nowhere/", "ENOENT"),
        ("/dev/", "EISDIR"),
        ("/" + "x" * 256, "ENAMETOOLONG"),
        ("/init", "ETXTBSY"),
    ],
)
def test_what_a_path_is(guest: Guest, path: str, answer: object) -> None:
    assert answers(guest, Store("backing_dev", path)) == [answer]


def test_a_claimed_device_is_busy(guest: Guest) -> None:
    loop = Store("backing_dev", "/dev/loop0")
    assert answers(guest, loop, loop, TABLE) == [10, "EBUSY", "EBUSY"]
    assert answers(guest, Show("backing_dev")) == ["/dev/loop0\n"]


def test_a_mapping_claims_its_loop_device_and_may_be_loaded_again(guest: Guest) -> None:
    loop, mapped = Store("backing_dev", "/dev/loop0"), Store("backing_dev", "/dev/dm-0")
    assert answers(guest, TABLE, loop, mapped, TABLE) == [0, "EBUSY", 9, 0]


def test_another_device_replaces_the_first_which_is_free_then(guest: Guest) -> None:
    guest.do(MakeBacking(1, 100 * PAGE_SIZE))
    first, second = Store("backing_dev", "/dev/loop0"), Store("backing_dev", "/dev/loop1")
    assert answers(guest, first, second, first) == [10, 10, 10]


def test_a_refused_device_leaves_the_first(guest: Guest) -> None:
    assert answers(guest, Store("backing_dev", "/dev/loop0"), Store("backing_dev", "/dev/loop3")) == [10, "EINVAL"]
    assert look(guest)["bk"] == "/dev/loop0"


def test_a_device_below_one_block_is_too_small_and_is_let_go(guest: Guest) -> None:
    guest.do(MakeBacking(1, PAGE_SIZE - 1))
    small = Store("backing_dev", "/dev/loop1")
    assert answers(guest, small, small) == ["EINVAL", "EINVAL"]


def test_a_mapping_must_fit(guest: Guest) -> None:
    large = DmTable(0, BLOCKS + 1, (), ())
    assert answers(guest, large, large, DmTable(9, 1, (), ())) == ["EINVAL", "EINVAL", "ENOENT"]
    mapped, loop = Store("backing_dev", "/dev/dm-0"), Store("backing_dev", "/dev/loop0")
    assert answers(guest, mapped, loop, TABLE, mapped) == ["ENOENT", 10, "EBUSY", "ENOENT"]


def test_a_loop_device_is_attached_once(guest: Guest) -> None:
    assert answers(guest, MakeBacking(0, PAGE_SIZE), MakeBacking(8, PAGE_SIZE)) == ["EBUSY", "ENOENT"]


def test_what_does_not_exist_cannot_be_suspended(guest: Guest) -> None:
    assert answers(guest, Suspend(0), Resume(3)) == ["ENXIO", "ENXIO"]


def test_a_store_waits_for_a_suspended_device_while_pages_change(guest: Guest) -> None:
    backed(guest)
    assert answers(guest, Suspend(0), BackgroundStore("writeback", "huge")) == [0, "blocked"]
    assert answers(guest, Discard(0, PAGE_SIZE), Read(1, 1), Join(), Resume(0), Join()) == [0, 4096, HANGS, 0, 4]
    assert look(guest)["bd"] == [2, 0, 4]  # the one discarded and the one read were written in vain


def test_a_store_that_waits_goes_on_with_the_mapping_loaded_by_then(guest: Guest) -> None:
    backed(guest)
    guest.do(Suspend(0))
    guest.do(BackgroundStore("writeback", "page_indexes=0-3"))
    assert answers(guest, DmTable(0, BLOCKS, ((1, 1),), ()), Join()) == [0, "EIO"]
    assert look(guest)["bd"] == [3, 0, 3]


def test_a_store_that_need_not_wait_is_over_at_once(guest: Guest) -> None:
    backed(guest)
    assert answers(guest, BackgroundStore("writeback", "huge"), Join()) == ["done", 4]
    assert answers(guest, Suspend(0), BackgroundStore("writeback", "huge"), Join()) == [0, "done", 4]


def test_a_refusal_in_the_background_is_the_answer_of_the_join(guest: Guest) -> None:
    assert answers(guest, BackgroundStore("writeback", "huge"), Join(), Join()) == ["done", "EINVAL", "ECHILD"]


def test_what_would_wait_for_ever_is_told(guest: Guest) -> None:
    backed(guest)
    guest.do(Store("writeback", "page_index=0"))
    assert answers(guest, Suspend(0), Store("writeback", "huge"), Read(0, 1)) == [0, HANGS, HANGS]
    assert answers(guest, Resume(0), Read(0, 1)) == [0, 4096]


def test_blocks_fail_as_the_mapping_says(guest: Guest) -> None:
    backed(guest)
    guest.do(Store("writeback", "page_indexes=0-2"))
    guest.do(DmTable(0, BLOCKS, ((3, 3),), ((0, 0),)))
    assert answers(guest, Store("writeback", "page_index=3")) == ["EIO"]
    assert answers(guest, Read(2, 1), Read(1, 1), Read(0, 3)) == ["EIO", 4096, "EIO"]  # the last page went first


def test_who_holds_the_device_holds_off_a_reset(guest: Guest) -> None:
    backed(guest)
    reset = Store("reset", "1")
    assert answers(guest, Hold(), Hold(), reset, Unhold(), reset, Unhold()) == [0, 0, "EBUSY", 0, 1, 0]


def test_the_block_layer_answers_past_the_end(guest: Guest) -> None:
    assert answers(guest, Write(0, 1, Pattern("zero")), Read(0, 1), Discard(0, 4096)) == ["ENOSPC", 0, "EINVAL"]
    backed(guest)
    assert answers(guest, Write(15, 2, Pattern("zero")), Read(15, 2), Zeroout(15 * 4096, 8192)) == [
        4096,
        4096,
        "EINVAL",
    ]


def test_sysfs_passes_on_one_page_of_text(guest: Guest) -> None:
    assert answers(guest, Store("writeback", "")) == [0]
    backed(guest)
    assert answers(guest, Store("writeback", " " * 5000)) == [4096]


def test_the_state_before_anything(guest: Guest) -> None:
    state = look(guest)
    assert state["mm"] == [0] * 9
    assert (state["bd"], state["init"], state["ds"], state["bk"], state["bs"]) == ([0, 0, 0], 0, 0, "none", None)
    assert state["blk"] == {"0": [0] * BLOCKS}


def test_marks_and_blocks_are_seen(guest: Guest) -> None:
    backed(guest, pages=2)
    guest.do(Store("writeback", "page_index=1"))
    state = look(guest)
    assert state["bs"] == {"0": "..h...", "1": ".wh..."}
    assert state["blk"] == {"0": [f"{guest.do(Read(1, 1)).crc}"[2:10], *[0] * (BLOCKS - 1)]}


def test_an_answer_names_its_errno(guest: Guest) -> None:
    assert guest.do(Show("reset")) == Answer(-1, "EACCES")
    assert guest.do(Store("bd_stat", "1")) == Answer(-1, "EACCES")
    assert guest.do(Show("nothing")) == Answer(-1, "ENOENT")


def test_a_recorded_device_has_the_attributes_that_were_recorded() -> None:
    guest = Guest(Quirks.linux_7_3(), frozenset({"initstate", "size"}))
    assert answers(guest, Show("initstate"), Show("size"), Show("idle")) == ["0\n", "0\n", "ENOENT"]
    assert answers(guest, Store("recompress", "type=huge")) == ["ENOENT"]
    guest.close()


def test_nothing_begins_behind_a_store_that_hangs() -> None:
    guest = Guest(Quirks.linux_7_3())
    guest.do(MakeBacking(0, BLOCKS * PAGE_SIZE))
    backed(guest)
    huge, limit = Store("writeback", "huge"), Show("writeback_limit")
    assert answers(guest, Suspend(0), huge, huge, limit, BackgroundStore("idle", "all")) == [0, *[HANGS] * 4]
    assert answers(guest, Show("disksize"), Resume(0), limit, Join()) == ["65536\n", 0, "0\n", "ECHILD"]
    assert look(guest)["bd"] == [4, 0, 4]
    guest.close()


def test_a_reset_that_would_have_to_end_a_pass_that_waits_hangs_whatever_the_quirks() -> None:
    guest = Guest(Quirks())
    guest.do(MakeBacking(0, BLOCKS * PAGE_SIZE))
    backed(guest)
    reset = Store("reset", "1")
    assert answers(guest, Suspend(0), BackgroundStore("writeback", "huge"), reset) == [0, "blocked", HANGS]
    assert answers(guest, Resume(0), Join(), reset) == [0, 4, 1]
    guest.close()
