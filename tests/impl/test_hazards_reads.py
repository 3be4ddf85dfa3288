"""Reads of written-back pages against blocks that get another page before the device answers.

The driver was seen to return another page's bytes, or to fail, in each of these; the names are those of the runs. Here
the change happens at the device, after the read was asked for and before it looks at the block.
"""

import random
import threading
import time
from collections.abc import Callable
from typing import Final

import lz4.block
import pytest

from stateful.common.stamped_pages import stamp_of, stamped
from stateful.conformance.contents import Pattern
from tests.impl.aside import Aside
from tests.impl.doubles import Bench, huge, page
from tests.impl.passes.driving import assert_at_rest, begin, finish, kinds, until_waiting
from zram_impl import PAGE_SIZE, Zram
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.block_layer import Node
from zram_impl.faults import Delayed

ZEROS: Final = bytes(PAGE_SIZE)
Change = Callable[[Bench], None]


def overtaken(bench: Bench, change: Change, *, block: int | None = None) -> None:
    """Let a change happen when the device is asked for a block (any), before it looks at it; once."""

    def before_read(asked: int) -> None:
        if block in (None, asked):
            bench.backing.before_read = lambda _block: None
            change(bench)

    bench.backing.before_read = before_read


def discard(bench: Bench, slot: int = 0) -> None:
    """Discard a page."""
    bench.dev.discard(slot * PAGE_SIZE, PAGE_SIZE)


def overwrite_and_use_the_block(bench: Bench) -> None:
    """Overwrite page 0, and write page 1 back to the block that was its."""
    bench.dev.write_page(0, huge(7))
    bench.dev.writeback(pages=[1])


def compressible(seed: int, size: int) -> bytes:
    """A page whose first `size` bytes do not compress."""
    return Pattern("comp", seed, size).page(0)


def written_back(*contents: bytes, blocks: int, compressed: bool = False) -> Bench:
    """A device whose page 0 is written back and whose other pages are in memory."""
    bench = Bench(blocks=blocks, compressed=compressed)
    for slot, content in enumerate(contents):
        bench.dev.write_page(slot, content)
    bench.dev.writeback(pages=[0])
    assert kinds(bench)[0] == "W"
    return bench


class Away(MemoryDevice):
    """A device on which something happens around the next read, before and after it looks at the block."""

    around: tuple[Callable[[], object], Callable[[], object]] | None = None

    def read(self, blk_idx: int, into: memoryview) -> None:  # type: ignore[explicit-override]  # typing: from 3.12 on
        around, self.around = self.around, None
        if around is not None:
            around[0]()
        super().read(blk_idx, into)
        if around is not None:
            around[1]()


def test_a_page_back_on_its_block_under_a_read_is_read_again() -> None:
    """Entry and block are equal before and after, and another page's bytes were read: only identity tells."""
    backing = Away(1)
    with Zram.create(2 * PAGE_SIZE, backing=backing) as dev:
        dev.write_page(0, huge(0))
        assert dev.writeback(pages=[0]).written == 1

        def moved(gone: int, come: int) -> None:
            dev.discard(gone * PAGE_SIZE, PAGE_SIZE)
            dev.write_page(come, huge(come))
            assert dev.writeback(pages=[come]).written == 1

        backing.around = lambda: moved(0, 1), lambda: moved(1, 0)
        assert dev.read_page(0) == huge(0)
        assert backing.around is None


def test_a_discarded_page_reads_as_zeros_if_its_block_is_used() -> None:
    bench = written_back(huge(0), huge(1), blocks=1)

    def change(bench: Bench) -> None:
        discard(bench)
        bench.dev.writeback(pages=[1])

    overtaken(bench, change)
    assert bench.dev.read_page(0) == ZEROS
    assert (bench.backing.block(0), bench.dev.read_page(1)) == (huge(1), huge(1))


def test_x26b_an_overwritten_page_reads_as_what_was_written() -> None:
    bench = written_back(huge(0), huge(1), blocks=1)
    overtaken(bench, overwrite_and_use_the_block)
    assert bench.dev.read_page(0) == huge(7)
    assert bench.backing.block(0) == huge(1)


def test_a_page_changed_at_every_look_reads_as_its_last_value() -> None:
    """A slow device: the page moves to another block again and again while it is read."""
    bench = written_back(huge(0), huge(1), blocks=2)
    changes = iter(range(2, 6))

    def again(_block: int) -> None:
        number = next(changes, None)
        if number is not None:
            bench.dev.write_page(0, huge(number))
            bench.dev.writeback(pages=[0])

    bench.backing.before_read = again
    assert bench.dev.read_page(0) == huge(5)
    assert bench.dev.stats.bd.bd_reads == 5


def test_a_page_back_on_its_own_block_is_not_damage() -> None:
    """Slot and block are what they were, and the bytes are not: only the entry itself tells."""
    bench = written_back(huge(0), blocks=1)

    def change(bench: Bench) -> None:
        bench.dev.write_page(0, huge(7))
        assert bench.dev.writeback(pages=[0]).written == 1

    overtaken(bench, change)
    assert bench.dev.read_page(0) == huge(7)
    assert bench.dev.stats.io.failed_reads == 0


def test_a_block_freed_during_a_pass_is_used_by_it() -> None:
    bench = Bench(blocks=2, batch_size=1).store_huge(*range(3))
    bench.dev.writeback(pages=[0])
    running = begin(bench, 1, 2)
    assert bench.engine.blocks == [1]

    def change(bench: Bench) -> None:
        discard(bench)
        bench.engine.answer_all()
        until_waiting(running)
        assert bench.engine.blocks == [0]
        bench.engine.answer_all()

    overtaken(bench, change)
    assert bench.dev.read_page(0) == ZEROS
    assert finish(running).written == 2
    assert {bench.backing.block(0), bench.backing.block(1)} == {huge(1), huge(2)}
    assert_at_rest(bench)


def test_an_answer_of_several_pages_holds_no_foreign_page() -> None:
    bench = Bench(blocks=4)
    for slot in (0, 1, 2, 3, 5):
        bench.dev.write_page(slot, huge(slot))
    bench.dev.writeback(pages=[0, 1, 2, 3])
    third = bench.snapshot.slots[2].blk_idx

    def change(bench: Bench) -> None:
        discard(bench, 2)
        bench.dev.writeback(pages=[5])

    overtaken(bench, change, block=third)
    with Node(bench.dev).open() as node:
        assert node.pread(4 * PAGE_SIZE, 0) == huge(0) + huge(1) + ZEROS + huge(3)
    assert bench.snapshot.slots[5].blk_idx == third


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(compressible(1, 1000), compressible(2, 1000), id="x26d same size"),
        pytest.param(compressible(1, 1000), huge(7), id="x26g compressible to incompressible"),
        pytest.param(compressible(1, 1000), compressible(3, 2000), id="x26h larger"),
        pytest.param(compressible(1, 2000), compressible(3, 1000), id="x26h smaller"),
        pytest.param(huge(3), compressible(3, 1000), id="x26h incompressible to compressible"),
        pytest.param(compressible(1, 1000), compressible(1, 1000), id="x26h the same bytes again"),
    ],
)
def test_a_page_written_back_elsewhere_is_read_from_there(old: bytes, new: bytes) -> None:
    """Compressed blocks, and the old block has got another page by the time the device looks at it."""
    other = compressible(4, 1000)
    bench = written_back(old, other, blocks=2, compressed=True)

    def change(bench: Bench) -> None:
        bench.dev.write_page(0, new)
        bench.dev.writeback(pages=[0])
        bench.dev.writeback(pages=[1])

    overtaken(bench, change)
    assert bench.dev.read_page(0) == new
    assert (bench.dev.read_page(1), bench.dev.stats.io.failed_reads) == (other, 0)


def test_x26f_an_object_is_never_taken_for_a_page() -> None:
    """Compressed blocks, one page: its old object is on the block that the device looks at."""
    old, new = compressible(1, 1000), huge(7)
    bench = written_back(old, blocks=2, compressed=True)

    def change(bench: Bench) -> None:
        bench.dev.write_page(0, new)
        bench.dev.writeback(pages=[0])

    overtaken(bench, change)
    assert bench.dev.read_page(0) == new
    assert bench.backing.block(0) != new


def test_a_page_that_looks_like_an_object_is_not_decompressed() -> None:
    new = compressible(5, 1000)
    size = len(lz4.block.compress(new, store_size=False))
    objects = (lz4.block.compress(random.Random(1).randbytes(length), store_size=False) for length in range(size))
    crafted = next(each for each in objects if len(each) == size)  # an object of that size, but not of a page
    old = crafted + random.Random(2).randbytes(PAGE_SIZE - len(crafted))
    bench = written_back(old, blocks=2, compressed=True)

    def change(bench: Bench) -> None:
        bench.dev.write_page(0, new)
        bench.dev.writeback(pages=[0])

    overtaken(bench, change)
    assert bench.dev.read_page(0) == new


CHANGES: Final[dict[str, tuple[Change, bytes]]] = {
    "discard": (discard, ZEROS),
    "overwrite": (lambda bench: bench.dev.write_page(0, huge(7)), huge(7)),
    "the same bytes": (lambda bench: bench.dev.write_page(0, page(0)), page(0)),
    "zeros": (lambda bench: bench.dev.write_page(0, ZEROS), ZEROS),
}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("how", CHANGES)
def test_x26e_x26n_a_read_that_overlaps_a_change_never_fails(how: str, compressed: bool) -> None:
    change, becomes = CHANGES[how]
    bench = written_back(page(0), blocks=2, compressed=compressed)
    overtaken(bench, change)
    assert bench.dev.read_page(0) == becomes
    assert bench.dev.stats.io.failed_reads == 0


def test_a_failed_read_of_a_freed_block_is_no_error() -> None:
    bench = written_back(huge(0), blocks=2)

    def change(bench: Bench) -> None:
        bench.dev.write_page(0, huge(7))
        raise OSError(5, "the block is bad")

    overtaken(bench, change)
    assert bench.dev.read_page(0) == huge(7)


def test_an_answer_from_before_the_change_is_discarded() -> None:
    """The driver returns the old page, which is right too: the read began before the change."""
    bench = written_back(huge(0), blocks=2)
    through = bench.backing.read

    def read(blk_idx: int, into: memoryview) -> None:
        through(blk_idx, into)
        bench.backing.read = through  # type: ignore[method-assign]  # once
        bench.dev.write_page(0, huge(7))

    bench.backing.read = read  # type: ignore[method-assign]  # answers first, then the page changes
    assert bench.dev.read_page(0) in (huge(0), huge(7))


def test_a_patch_under_a_read_goes_into_the_present_page() -> None:
    bench = written_back(huge(0), huge(1), blocks=1)
    overtaken(bench, overwrite_and_use_the_block)
    bench.dev.write(100, b"patched")
    assert bench.dev.read_page(0) == huge(7)[:100] + b"patched" + huge(7)[107:]


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
@pytest.mark.parametrize("compressed", [False, True])
def test_a_read_under_any_change_returns_a_value_of_the_page(compressed: bool) -> None:
    """Free threads: one reads page 0, whose reads are slow, the others overwrite, discard and write back two pages."""
    device = Delayed(MemoryDevice(2), lambda operation: operation.kind == "read", seconds=0, sleep=time.sleep)
    dev = Zram()
    dev.set_compressed_writeback(compressed)
    dev.set_backing(device)
    dev.initialise(2 * PAGE_SIZE)
    over = threading.Event()

    def wrong() -> bytes:
        while not over.is_set():
            got = dev.read_page(0)
            if got != ZEROS and (stamp_of(got) or (1, 0))[0] != 0:
                return got[:24]
        return b""

    reader = Aside(wrong)
    for generation in range(1, 200):
        for slot in (0, 1):
            dev.write_page(slot, stamped(slot, generation, huge=generation % 3 == 0))
        dev.writeback(pages=[generation % 2])
        if generation % 5 == 0:
            dev.discard(0, PAGE_SIZE)
        dev.writeback(pages=[0, 1])
    over.set()
    assert reader.join() == b""
    dev.close()
    assert dev.pages == 0
