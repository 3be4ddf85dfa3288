"""The initialised device: reads that overlap changes, read-modify-write, chunks of bulk calls, and its end."""

import errno
from collections.abc import Callable

import pytest

from tests.impl.aside import Aside
from tests.impl.doubles import Bench, Gate, huge, page, same
from tests.impl.passes.driving import begin
from tests.refused import raising, refused
from zram_impl import PAGE_SIZE, WritebackResult, Zram, ZramError
from zram_impl.decisions import SlotKind
from zram_impl.pages.page_io import CHUNK
from zram_impl.shield import Interrupts


def written_back(blocks: int = 1, pages: int = 3) -> Bench:
    """Page 0 is written back, to block 0; the other pages are in memory."""
    bench = Bench(pages=pages, blocks=blocks).store(*range(pages))
    assert bench.dev.writeback(pages=[0]).written == 1
    return bench


def during_the_first_read(bench: Bench, change: Callable[[], object]) -> None:
    """Let something happen after a read has chosen its block and before the device answers."""

    def before_read(_block: int) -> None:
        bench.backing.before_read = lambda _block: None
        change()

    bench.backing.before_read = before_read


# Reading


@pytest.mark.parametrize(
    "content", [bytes(PAGE_SIZE), same(7), page(1), huge(1)], ids=["zeros", "same-filled", "object", "raw page"]
)
def test_a_page_reads_as_it_was_written(content: bytes) -> None:
    bench = Bench()
    bench.dev.write_page(2, content)
    assert (bench.dev.read_page(2), bench.pages.peek_page(2)) == (content, content)


def test_a_page_never_written_is_zeros_and_stays_empty() -> None:
    bench = Bench()
    assert (bench.dev.read_page(2), bench.snapshot.pages_stored) == (bytes(PAGE_SIZE), 0)


@pytest.mark.parametrize("read", ["read_page", "peek_page", "read_pages_into", "read_page after mark_idle"])
def test_a_damaged_object_is_eio_and_counted_once(read: str) -> None:
    bench, into = Bench(), memoryview(bytearray(PAGE_SIZE))
    bench.dev.write_page(1, page(1))
    bench.pages.table.entries[1] = b"\xff" * 20
    if "mark_idle" in read:
        bench.dev.mark_idle()
    calls: dict[str, Callable[[], object]] = {
        "peek_page": lambda: bench.pages.peek_page(1),
        "read_pages_into": lambda: bench.dev.read_pages_into(1, into),
    }
    with refused(errno.EIO, "EIO"):
        calls.get(read, lambda: bench.dev.read_page(1))()
    assert bench.dev.stats.io.failed_reads == 1


def test_reading_never_brings_a_page_back_into_memory() -> None:
    bench = written_back()
    assert [bench.dev.read_page(0) for _ in range(3)] == [page(0)] * 3
    assert (bench.snapshot.slots[0].kind, bench.dev.stats.bd.bd_reads) == (SlotKind.WB, 3)


def test_a_read_takes_off_the_idle_mark_and_a_look_does_not() -> None:
    bench = Bench().store(1)
    bench.dev.mark_idle()
    bench.pages.peek_page(1)
    seen = [bench.snapshot.slots[1].idle]
    bench.dev.read_page(1)
    assert [*seen, bench.snapshot.slots[1].idle] == [True, False]


@pytest.mark.parametrize(
    "access",
    [
        lambda dev: dev.write_page(0, page(1)),
        lambda dev: dev.write_page(0, bytes(PAGE_SIZE)),
        lambda dev: dev.write_pages(0, page(1) + page(2)),
        lambda dev: dev.write(1, b"a part"),
        lambda dev: dev.read_page(0),
        lambda dev: dev.read_pages_into(0, bytearray(2 * PAGE_SIZE)),
        lambda dev: dev.read(1, 1),
    ],
    ids=["write_page", "zeros", "write_pages", "write", "read_page", "read_pages_into", "read"],
)
def test_an_access_as_a_second_begins_is_in_that_second(access: Callable[[Zram], object]) -> None:
    bench = Bench().store(0, 1)
    bench.clock.seconds += 1.0
    access(bench.dev)
    assert bench.dev.block_state().split()[1] == f"{bench.clock.seconds:.6f}"


def reuse(bench: Bench) -> None:
    bench.dev.discard(0, PAGE_SIZE)
    assert bench.dev.writeback(pages=[1]).written == 1


def rewrite_and_write_back(bench: Bench) -> None:
    bench.dev.write_page(0, huge(9))
    assert bench.dev.writeback(pages=[1, 0]).written == 2


@pytest.mark.parametrize(
    ("blocks", "change", "content"),
    [
        (1, reuse, bytes(PAGE_SIZE)),
        (3, rewrite_and_write_back, huge(9)),
        (1, lambda bench: bench.dev.write_page(0, huge(9)), huge(9)),
        (1, lambda bench: bench.dev.write_page(0, same(9)), same(9)),
        (1, lambda bench: bench.dev.discard(0, PAGE_SIZE), bytes(PAGE_SIZE)),
    ],
    ids=["block reused by another page", "written back elsewhere", "rewritten", "same-filled", "discarded"],
)
@pytest.mark.parametrize("failure", [None, OSError(errno.EIO, "bad block")], ids=["device answers", "device fails"])
def test_a_read_that_a_change_overtakes_returns_the_change(
    blocks: int, change: Callable[[Bench], object], content: bytes, failure: OSError | None
) -> None:
    bench = written_back(blocks)

    def overtake() -> None:
        change(bench)
        if failure is not None:
            raise failure

    during_the_first_read(bench, overtake)
    assert bench.dev.read_page(0) == content


def test_a_failing_read_names_page_block_and_device() -> None:
    bench = written_back()
    bench.backing.before_read = raising(OSError, errno.EREMOTEIO, "no answer")
    before = bench.snapshot
    bench.clock.seconds += 7
    with refused(errno.EREMOTEIO, "page 0, block 0 of memory: no answer"):
        bench.dev.read_page(0)
    assert bench.snapshot == before
    # It is an access all the same, as the driver's, which does not wait for the answer: recording read_fails_ages.
    now, earlier = (float(line.split()[1]) for line in bench.dev.block_state().splitlines()[:2])
    assert now == earlier + 7


def test_a_block_with_other_bytes_is_an_error() -> None:
    bench = written_back()
    bench.backing.data[100] ^= 1
    with refused(errno.EIO, "page 0: block 0 of memory is not what was written"):
        bench.dev.read_page(0)
    bench.backing.data[100] ^= 1
    assert bench.dev.read_page(0) == page(0)


def test_a_damaged_object_is_an_error_and_not_a_page() -> None:
    bench = Bench()
    bench.pages.table.replace(1, b"\xff" * 30)
    for read in (bench.dev.read_page, bench.pages.peek_page):
        with pytest.raises(ZramError, match="an object of 30 bytes cannot be decompressed"):
            read(1)


# Writing


def test_overwriting_a_written_back_page_frees_its_block() -> None:
    bench = written_back()
    bench.dev.write_page(0, page(9))
    assert (bench.dev.read_page(0), bench.snapshot.blocks) == (page(9), b"\0")


def test_bytes_are_patched_into_what_the_page_is_by_then() -> None:
    bench = written_back()
    during_the_first_read(bench, lambda: bench.dev.write_page(0, huge(9)))
    bench.dev.write(1, b"patch")
    assert bench.dev.read_page(0) == huge(9)[:1] + b"patch" + huge(9)[6:]


def test_a_patch_overtaken_by_a_write_goes_into_the_new_page() -> None:
    bench = Bench().store(0)
    pages = bench.pages
    compress = pages._compress

    def overtaken(content: bytes) -> bytes:
        pages._compress = compress
        bench.dev.write_page(0, huge(9))
        return compress(content)

    pages._compress = overtaken
    bench.dev.write(1, b"patch")
    assert bench.dev.read_page(0) == huge(9)[:1] + b"patch" + huge(9)[6:]


def test_bytes_that_cannot_be_patched_in_change_nothing() -> None:
    bench = written_back()
    bench.backing.before_read = raising(OSError, errno.EIO, "bad block")
    before = bench.snapshot
    with pytest.raises(ZramError, match="page 0, block 0"):
        bench.dev.write(1, b"patch")
    bench.backing.before_read = lambda _block: None
    assert (bench.snapshot, bench.dev.read_page(0)) == (before, page(0))


@pytest.mark.parametrize("count", [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_bulk_calls_reach_every_page_and_no_other(count: int) -> None:
    bench = Bench(pages=3 * CHUNK + 2)
    content = b"".join(page(number) for number in range(count))
    bench.dev.write_pages(1, content)
    read = bytearray(len(content))
    bench.dev.read_pages_into(1, read)
    assert (bytes(read), bench.snapshot.pages_stored) == (content, count)
    bench.dev.discard(PAGE_SIZE, len(content))
    assert bench.snapshot.pages_stored == 0


def test_a_bulk_store_keeps_a_copy_of_the_caller_s_buffer() -> None:
    bench = Bench()
    buffer = bytearray(huge(1) + huge(2))
    bench.dev.write_pages(0, buffer)
    buffer[:] = bytes(len(buffer))
    assert (bench.dev.read_page(0), bench.dev.read_page(1)) == (huge(1), huge(2))


def test_every_page_in_memory_is_marked_idle_over_all_steps() -> None:
    bench = Bench(pages=17 * CHUNK).store(0, 5, 16 * CHUNK - 1, 16 * CHUNK, 17 * CHUNK - 1)
    bench.dev.write_page(1, same(1))
    bench.dev.writeback(pages=[5])
    bench.dev.mark_idle()
    idle = [index for index, slot in enumerate(bench.snapshot.slots) if slot.idle]
    assert idle == [0, 16 * CHUNK - 1, 16 * CHUNK, 17 * CHUNK - 1]


def test_marking_twice_tells_an_observer_once() -> None:
    seen: list[str] = []
    bench = Bench(observer=lambda kind, *_args: seen.append(kind)).store(1)
    seen.clear()
    bench.dev.mark_idle()
    bench.dev.mark_idle()
    assert seen == ["mark_idle"]


def test_freeing_an_empty_page_is_no_event() -> None:
    seen: list[str] = []
    Bench(observer=lambda kind, *_args: seen.append(kind)).dev.discard(0, PAGE_SIZE)
    assert seen == []


# The end


def test_closing_ends_the_pass_then_closes_engine_and_device() -> None:
    bench = Bench().store(1, 2)
    order: list[str] = []
    bench.backing.on_close = lambda: order.append(f"device, engine closed {bench.engine.closed} times")
    running = begin(bench, 1)
    bench.dev.close()
    assert running.result == WritebackResult(selected=1, written=1)
    assert (order, bench.engine.out) == (["device, engine closed 1 times"], 0)


def test_closing_twice_is_closing_once() -> None:
    bench = Bench().store(1)
    bench.dev.writeback(pages=[1])
    bench.passes.close(Interrupts())
    bench.passes.close(Interrupts())
    assert (bench.engine.closed, bench.backing.closed) == (1, 1)


def test_closing_waits_for_a_read_and_lets_no_other_begin() -> None:
    bench, gate = written_back(), Gate()
    bench.backing.before_read = gate.stop
    reader = Aside(lambda: bench.dev.read_page(0))
    gate.wait_for_arrival()
    pages = bench.pages
    closer = Aside(lambda: bench.passes.close(Interrupts()))
    while not pages.reads._closing:  # it only has to reach its wait
        pass
    with refused(errno.EINVAL, "the device was reset while it was read"):
        pages.read_page(0)
    assert not closer.ends(0.02)  # it would be over long ago if it did not wait
    assert bench.backing.closed == 0
    gate.open()
    assert reader.join() == page(0)
    closer.join()
    assert bench.backing.closed == 1


def test_without_a_pass_no_engine_is_made() -> None:
    bench = Bench()
    bench.dev.close()
    assert (bench.engine.closed, bench.backing.closed) == (0, 1)
