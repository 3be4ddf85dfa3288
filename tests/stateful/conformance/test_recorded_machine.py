"""The recorded machine: what its nodes answer, what waits, what continues."""

import zlib
from collections.abc import Iterator

import pytest

from stateful.conformance.contents import Pattern, generated
from stateful.conformance.observe_state import look
from stateful.conformance.operations import (
    BackgroundStore,
    ByteRead,
    ByteWrite,
    Discard,
    DmTable,
    Flush,
    GetSize,
    Hold,
    Join,
    MakeBacking,
    MakeFile,
    Operation,
    Read,
    Resume,
    Show,
    Sleep,
    Store,
    Suspend,
    Unhold,
    Write,
    Zeroout,
)
from stateful.conformance.recorded_machine import HANGS, Guest
from stateful.conformance.schema import RecordedAnswer
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


def back(guest: Guest, pages: int = 4) -> Guest:
    """Set up the device over dm device 0, with huge pages."""
    assert answers(guest, TABLE, Store("backing_dev", "/dev/dm-0"), Store("disksize", "64K")) == [0, 9, 3]
    guest.do(Write(0, pages, Pattern("rand", 1)))
    return guest


@pytest.fixture
def backed(guest: Guest) -> Guest:
    """The machine, its device set up."""
    return back(guest)


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


def test_a_mapping_claims_its_loop_device_and_reloads(guest: Guest) -> None:
    loop, mapped = Store("backing_dev", "/dev/loop0"), Store("backing_dev", "/dev/dm-0")
    assert answers(guest, TABLE, loop, mapped, TABLE) == [0, "EBUSY", 9, 0]


def test_another_device_replaces_the_first_which_is_free_then(guest: Guest) -> None:
    guest.do(MakeBacking(1, 100 * PAGE_SIZE))
    first, second = Store("backing_dev", "/dev/loop0"), Store("backing_dev", "/dev/loop1")
    assert answers(guest, first, second, first) == [10, 10, 10]


def test_a_refused_device_leaves_the_first(guest: Guest) -> None:
    assert answers(guest, Store("backing_dev", "/dev/loop0"), Store("backing_dev", "/dev/loop3")) == [10, "EINVAL"]
    assert look(guest)["bk"] == "/dev/loop0"


def test_a_device_below_one_block_is_too_small_and_is_closed(guest: Guest) -> None:
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


def test_a_store_waits_for_a_suspended_device_while_pages_change(backed: Guest) -> None:
    assert answers(backed, Suspend(0), BackgroundStore("writeback", "huge")) == [0, "blocked"]
    assert answers(backed, Discard(0, PAGE_SIZE), Read(1, 1), Join(), Resume(0), Join()) == [0, 4096, HANGS, 0, 4]
    assert look(backed)["bd"] == [2, 0, 4]  # the one discarded and the one read were written for nothing


def test_a_waiting_store_continues_with_the_new_mapping(backed: Guest) -> None:
    backed.do(Suspend(0))
    backed.do(BackgroundStore("writeback", "page_indexes=0-3"))
    assert answers(backed, DmTable(0, BLOCKS, ((1, 1),), ()), Join()) == [0, "EIO"]
    assert look(backed)["bd"] == [3, 0, 3]


def test_a_store_that_need_not_wait_is_over_at_once(backed: Guest) -> None:
    assert answers(backed, BackgroundStore("writeback", "huge"), Join()) == ["done", 4]
    assert answers(backed, Suspend(0), BackgroundStore("writeback", "huge"), Join()) == [0, "done", 4]


def test_a_refusal_in_the_background_is_the_answer_of_the_join(guest: Guest) -> None:
    assert answers(guest, BackgroundStore("writeback", "huge"), Join(), Join()) == ["done", "EINVAL", "ECHILD"]


def test_what_would_wait_for_ever_is_reported(backed: Guest) -> None:
    backed.do(Store("writeback", "page_index=0"))
    assert answers(backed, Suspend(0), Store("writeback", "huge"), Read(0, 1)) == [0, HANGS, HANGS]
    assert answers(backed, Resume(0), Read(0, 1)) == [0, 4096]


def test_blocks_fail_as_the_mapping_says(backed: Guest) -> None:
    backed.do(Store("writeback", "page_indexes=0-2"))
    backed.do(DmTable(0, BLOCKS, ((3, 3),), ((0, 0),)))
    assert answers(backed, Store("writeback", "page_index=3")) == ["EIO"]
    assert answers(backed, Read(2, 1), Read(1, 1), Read(0, 3)) == ["EIO", 4096, "EIO"]  # the last page went first


def test_who_holds_the_device_holds_off_a_reset(backed: Guest) -> None:
    reset = Store("reset", "1")
    assert answers(backed, Hold(), Hold(), reset, Unhold(), reset, Unhold()) == [0, 0, "EBUSY", 0, 1, 0]


def test_the_block_layer_answers_past_the_end(guest: Guest) -> None:
    assert answers(guest, Write(0, 1, Pattern("zero")), Read(0, 1), Discard(0, 4096)) == ["ENOSPC", 0, "EINVAL"]
    back(guest)
    assert answers(guest, Write(15, 2, Pattern("zero")), Read(15, 2), Zeroout(15 * 4096, 8192)) == [
        4096,
        4096,
        "EINVAL",
    ]


def test_sysfs_passes_on_one_page_of_text(guest: Guest) -> None:
    assert answers(guest, Store("writeback", "")) == [0]
    back(guest)
    assert answers(guest, Store("writeback", " " * 5000)) == [4096]


def test_the_state_before_anything(guest: Guest) -> None:
    state = look(guest)
    assert state["mm"] == [0] * 9
    assert (state["bd"], state["init"], state["ds"], state["bk"], state["bs"]) == ([0, 0, 0], 0, 0, "none", None)
    assert state["blk"] == {"0": [0] * BLOCKS}


def test_marks_and_blocks_are_seen(guest: Guest) -> None:
    back(guest, pages=2)
    guest.do(Store("writeback", "page_index=1"))
    state = look(guest)
    assert state["bs"] == {"0": "..h...", "1": ".wh..."}
    assert state["blk"] == {"0": [f"{guest.do(Read(1, 1)).crc}"[2:10], *[0] * (BLOCKS - 1)]}


def test_an_answer_names_its_errno(guest: Guest) -> None:
    assert guest.do(Show("reset")) == RecordedAnswer(-1, "EACCES")
    assert guest.do(Store("bd_stat", "1")) == RecordedAnswer(-1, "EACCES")
    assert guest.do(Show("nothing")) == RecordedAnswer(-1, "ENOENT")


def test_a_recorded_device_has_the_attributes_that_were_recorded() -> None:
    guest = Guest(Quirks.linux_7_3(), frozenset({"initstate", "size"}))
    assert answers(guest, Show("initstate"), Show("size"), Show("idle")) == ["0\n", "0\n", "ENOENT"]
    assert answers(guest, Store("recompress", "type=huge")) == ["ENOENT"]
    guest.close()


def test_nothing_begins_behind_a_store_that_hangs() -> None:
    guest = Guest(Quirks.linux_7_3())
    guest.do(MakeBacking(0, BLOCKS * PAGE_SIZE))
    back(guest)
    huge, limit = Store("writeback", "huge"), Show("writeback_limit")
    assert answers(guest, Suspend(0), huge, huge, limit, BackgroundStore("idle", "all")) == [0, *[HANGS] * 4]
    assert answers(guest, Show("disksize"), Resume(0), limit, Join()) == ["65536\n", 0, "0\n", "ECHILD"]
    assert look(guest)["bd"] == [4, 0, 4]
    guest.close()


def test_a_reset_during_a_waiting_pass_hangs_with_any_quirks() -> None:
    guest = Guest(Quirks())
    guest.do(MakeBacking(0, BLOCKS * PAGE_SIZE))
    back(guest)
    reset = Store("reset", "1")
    assert answers(guest, Suspend(0), BackgroundStore("writeback", "huge"), reset) == [0, "blocked", HANGS]
    assert answers(guest, Resume(0), Join(), reset) == [0, 4, 1]
    guest.close()


def test_store_behind_a_pass_waits_once_its_text_was_looked_at() -> None:
    """Everything behind a pass was held to wait, also texts that the driver refuses without looking at the device.

    Recording gate_stores: what is wrong with the text, and an age above the uptime, is answered at once.
    """
    guest = Guest(Quirks.linux_7_3())
    guest.do(MakeBacking(0, BLOCKS * PAGE_SIZE))
    back(guest)
    begun = BackgroundStore("writeback", "page_indexes=0-1")
    limit, wrong = BackgroundStore("writeback_limit", "7"), BackgroundStore("writeback_limit", "x")
    old, empty = Store("idle", "4000000000"), Store("idle", "")
    assert answers(guest, Suspend(0), begun, limit, wrong) == [0, "blocked", "blocked", "done"]
    assert answers(guest, old, empty, Store("reset", "0"), Store("reset", "1")) == [10, 0, "EINVAL", HANGS]
    assert answers(guest, Join(), Resume(0), Join(), Join(), Join(), Join()) == [HANGS, 0, 16, 1, "EINVAL", "ECHILD"]
    assert look(guest)["wl"] == 7
    guest.close()


# What version 2 of the schema has


def test_bytes_are_written_and_read(backed: Guest) -> None:
    direct, buffered = ByteWrite(0, PAGE_SIZE, 7, buffered=False), ByteWrite(100, 50, 7, buffered=True)
    assert answers(backed, direct, buffered, ByteRead(0, 8192, buffered=False)) == [4096, 50, 8192]
    checksum = f"{zlib.crc32(generated(7, PAGE_SIZE)[:50]):08x}"
    assert backed.do(ByteRead(100, 50, buffered=True)) == RecordedAnswer(50, crc=(checksum,))
    past = 64 * 1024
    assert answers(backed, ByteRead(past, 1, buffered=True), ByteRead(past, 1, buffered=False)) == [0, 0]
    assert answers(backed, ByteWrite(past, 1, 1, buffered=True), ByteWrite(past, 0, 1, buffered=True)) == ["ENOSPC", 0]
    assert answers(backed, ByteRead(1, 1, buffered=False), ByteRead(-1, 1, buffered=True)) == ["EINVAL", "EINVAL"]
    assert answers(backed, ByteRead(past - 2, 9, buffered=True), ByteWrite(past - 2, 9, 1, buffered=True)) == [2, 2]


def test_a_buffered_write_that_is_not_stored_says_so(backed: Guest) -> None:
    backed.do(Store("mem_limit", "16K"))
    assert answers(backed, ByteWrite(8 * PAGE_SIZE, 2 * PAGE_SIZE, 1, buffered=True)) == ["fsync EIO"]
    assert backed.device.refused == backed.device.stats.io.failed_writes == 2


def test_a_cache_lasts_as_long_as_the_node_is_open(backed: Guest) -> None:
    backed.do(Store("writeback", "huge"))
    read, reads = ByteRead(2 * PAGE_SIZE, 1, buffered=True), []
    for operation in (read, read, Hold(read_only=True), read, read, Flush(), read, Unhold(), read):
        backed.do(operation)
        reads.append(backed.device.stats.bd.bd_reads)
    assert reads == [1, 2, 2, 3, 3, 3, 4, 4, 5]


@pytest.mark.parametrize(
    ("operation", "reads"),
    [
        (Write(2, 1, Pattern("rand", 9)), 0),
        (ByteWrite(2 * PAGE_SIZE, 512, 1, buffered=False), 1),
        (Read(2, 1), 1),
        (Discard(2 * PAGE_SIZE, PAGE_SIZE), 0),
        (Zeroout(2 * PAGE_SIZE + 512, 512), 0),
        (Zeroout(2 * PAGE_SIZE + 1, 512), 0),
    ],
)
def test_direct_operations_leave_no_old_bytes_cached(backed: Guest, operation: Operation, reads: int) -> None:
    """Recording cached_reads: EINVAL, too, comes after the pages were forgotten."""
    for done in (Store("writeback", "huge"), Hold(), ByteRead(2 * PAGE_SIZE, 1, buffered=True), operation):
        backed.do(done)
    backed.do(ByteRead(2 * PAGE_SIZE, 1, buffered=True))
    assert backed.device.stats.bd.bd_reads == 1 + reads


def test_an_exclusive_open_keeps_others_from_clearing_a_part(backed: Guest) -> None:
    shared, alone = Hold(), Hold(exclusive=True)
    cleared = []
    for hold in (shared, alone):
        for done in (hold, ByteRead(0, 4096, buffered=True), Zeroout(512, 512)):
            backed.do(done)
        cleared.append(backed.do(ByteRead(0, 4096, buffered=True)).crc)
        backed.do(Unhold())
    assert (cleared[0] != cleared[1], cleared[1]) == (True, backed.do(Read(0, 1)).crc)


def test_opens_are_of_three_kinds(backed: Guest) -> None:
    """Recording ze_opens: each holds off a reset, and one at a time is exclusive."""
    exclusive, reset = Hold(exclusive=True), Store("reset", "1")
    assert answers(backed, exclusive, exclusive, Hold(), Hold(read_only=True), reset) == [0, "EBUSY", 0, 0, "EBUSY"]
    assert answers(backed, Unhold(), exclusive, reset, Unhold(), reset) == [0, 0, "EBUSY", 0, 1]
    assert answers(backed, Hold(read_only=True), reset, Unhold(), reset) == [0, "EBUSY", 0, 1]


def test_sizes_are_those_of_the_device(guest: Guest) -> None:
    assert answers(guest, GetSize()) == ["0 4096 4096"]
    back(guest)
    assert answers(guest, GetSize(), Sleep(5)) == ["65536 4096 4096", 0]


PATHS = [
    ("/bd/dict", 0, "dict=/bd/dict", 13),
    ("bd/./dict", 0, "dict=/../bd/dict", 16),
    ("/dict", 0, "dict=/dict", 10),
    ("/nowhere/dict", "ENOENT", "dict=/nowhere/dict", "ENOENT"),
    ("/bd", "EISDIR", "dict=/bd", "EINVAL"),
    ("/bd/0", 0, "dict=/bd/0", "ETXTBSY"),
    ("/init", "ETXTBSY", "dict=/dev/null", "EINVAL"),
    ("/bd/0/dict", "ENOTDIR", "dict=/bd/0/dict", "ENOTDIR"),
    ("/" + "é" * 128, "ENAMETOOLONG", "dict=/dev/loop0", "EINVAL"),
]


@pytest.mark.parametrize(("path", "made", "text", "stored"), PATHS)
def test_files_are_made_and_read(guest: Guest, path: str, made: object, text: str, stored: object) -> None:
    assert answers(guest, MakeFile(path, 100, 1), Store("algorithm_params", text)) == [made, stored]
    if made == 0 and stored != "ETXTBSY":
        assert answers(guest, Store("backing_dev", path)) == ["ENOTBLK"]


def test_a_file_is_made_anew(guest: Guest) -> None:
    store = Store("algorithm_params", "dict=/bd/dict")
    assert answers(guest, MakeFile("/bd/dict", 0, 1), store) == [0, "EINVAL"]
    assert answers(guest, MakeFile("/bd/dict", 9, 1), store, Store("disksize", "4096")) == [0, 13, 4]
    assert answers(guest, MakeFile("/bd/0", 10, 1)) == [0]
    assert look(guest)["blk"] != {"0": [0] * BLOCKS}


def test_the_program_that_runs_may_be_a_dictionary(guest: Guest) -> None:
    assert answers(guest, Store("algorithm_params", "dict=/init"), Store("disksize", "4096")) == [10, "EINVAL"]


def test_an_errno_has_the_kernels_name(guest: Guest) -> None:
    guest.do(MakeFile("/bd/dict", 9, 1))
    guest.do(Store("comp_algorithm", "deflate"))
    assert answers(guest, Store("algorithm_params", "dict=/bd/dict"), Store("disksize", "4096")) == [13, "EOPNOTSUPP"]


def test_sysfs_passes_on_a_page_of_bytes(backed: Guest) -> None:
    assert answers(backed, Store("writeback", "\udca0" * 5000), Store("compact", "é" * 3000)) == [4096, 4096]


def test_times_are_those_of_the_clock(guest: Guest) -> None:
    guest.runtime.clock = 7
    guest.do(Store("disksize", "64K"))
    guest.do(Write(0, 2, Pattern("rand", 1)))
    guest.runtime.clock, guest.runtime.accesses = 8, {0: 8, 1: 9}
    guest.do(Read(0, 3))
    assert (look(guest)["ts"], guest.runtime.clock) == ({"0": 8, "1": 9}, 9)
