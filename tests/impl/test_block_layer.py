"""The block-device face: what the block layer answers before and after the driver."""

from collections.abc import Iterator
from errno import EBADF, EBUSY, EINVAL, EIO, ENOSPC
from functools import partial

import pytest

from tests.impl.doubles import huge, page
from tests.refused import errno_of
from zram_impl import PAGE_SIZE, Zram, ZramError
from zram_impl import block_layer as node_module
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.block_layer import Node, NodeFile
from zram_impl.faults import Failing, on_blocks

PAGES = 8
SIZE = PAGES * PAGE_SIZE


@pytest.fixture
def device() -> Iterator[Zram]:
    """A device of eight pages whose backing device cannot read block 1."""
    with Zram.create(SIZE, backing=Failing(MemoryDevice(PAGES), on_blocks([1], kind="read"))) as made:
        yield made


@pytest.fixture
def node(device: Zram) -> Iterator[NodeFile]:
    with Node(device).open() as opened:
        yield opened


def refusals(node: NodeFile, offset: int, length: int) -> list[int | None]:
    """The errnos of a read, a write, a discard and a zeroout of a range, all of which must be refused."""
    write = errno_of(node.pwrite, bytes(length), offset)
    return [errno_of(node.pread, length, offset), write, *cleared(node, offset, length)]


def cleared(node: NodeFile, offset: int, length: int) -> list[int | None]:
    """Those of a discard and a zeroout alone."""
    return [errno_of(do, offset, length) for do in (node.discard, node.zeroout)]


@pytest.mark.parametrize("odd", [None, 1.5, "text", b"0", object()])
def test_what_is_no_number_is_refused(node: NodeFile, odd: object) -> None:
    for do in (node.pread, node.discard, node.zeroout):
        assert (errno_of(do, odd, PAGE_SIZE), errno_of(do, PAGE_SIZE, odd)) == (EINVAL, EINVAL)
    assert errno_of(node.pwrite, page(0), odd) == EINVAL


def test_what_are_no_bytes_is_refused(node: NodeFile) -> None:
    apart = memoryview(bytes(2 * PAGE_SIZE))[::2]
    assert [errno_of(node.pwrite, odd, 0) for odd in (None, 5, "text", apart)] == [EINVAL] * 4


def test_an_open_is_exclusive_or_not(device: Zram) -> None:
    for odd in (None, "yes", 2):
        assert errno_of(partial(Node(device).open, exclusive=odd)) == EINVAL  # type: ignore[arg-type]  # on purpose
        assert errno_of(partial(Node(device).open, read_only=odd)) == EINVAL  # type: ignore[arg-type]  # on purpose
    device.reset()


def test_what_is_written_is_read(node: NodeFile) -> None:
    data = page(1) + huge(2)
    assert node.pwrite(data, 3 * PAGE_SIZE) == len(data)
    assert node.pread(4 * PAGE_SIZE, 2 * PAGE_SIZE) == bytes(PAGE_SIZE) + data + bytes(PAGE_SIZE)


def test_a_write_is_cut_at_the_end_of_the_device(node: NodeFile, device: Zram) -> None:
    assert node.pwrite(page(1) + page(2), SIZE - PAGE_SIZE) == PAGE_SIZE
    assert device.read_page(PAGES - 1) == page(1)


@pytest.mark.parametrize("offset", [SIZE, SIZE + PAGE_SIZE])
def test_past_the_end_reads_are_empty_and_writes_enospc(node: NodeFile, offset: int) -> None:
    assert node.pread(PAGE_SIZE, offset) == b""
    assert [errno_of(node.pwrite, page(1), offset), *cleared(node, offset, PAGE_SIZE)] == [ENOSPC, EINVAL, EINVAL]


def test_a_read_is_cut_at_the_end_of_the_device(node: NodeFile) -> None:
    assert len(node.pread(2 * PAGE_SIZE, SIZE - PAGE_SIZE)) == PAGE_SIZE


@pytest.mark.parametrize(("offset", "length"), [(0, 512), (512, PAGE_SIZE), (-PAGE_SIZE, PAGE_SIZE), (100, 4096)])
def test_only_whole_blocks_are_transferred(node: NodeFile, offset: int, length: int) -> None:
    assert refusals(node, offset, length) == [EINVAL] * 4


@pytest.mark.parametrize("offset", [0, SIZE])
def test_nothing_is_transferred_but_not_discarded(node: NodeFile, offset: int) -> None:
    assert (node.pread(0, offset), node.pwrite(b"", offset)) == (b"", 0)
    assert cleared(node, offset, 0) == [EINVAL] * 2


def test_a_range_that_ends_past_the_end_frees_nothing(node: NodeFile, device: Zram) -> None:
    node.pwrite(page(1), 0)
    assert errno_of(node.discard, 0, SIZE + PAGE_SIZE) == EINVAL
    assert device.read_page(0) == page(1)


def test_discards_and_zeroes_free_pages(node: NodeFile, device: Zram) -> None:
    node.pwrite(page(0) + page(1) + page(2), 0)
    node.discard(0, PAGE_SIZE)
    node.zeroout(2 * PAGE_SIZE, PAGE_SIZE)
    assert node.pread(3 * PAGE_SIZE, 0) == bytes(PAGE_SIZE) + page(1) + bytes(PAGE_SIZE)
    assert device.stats.mm.orig_data_size == PAGE_SIZE


def test_large_discards_are_cut_into_requests(node: NodeFile, device: Zram, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_module, "DISCARD_BYTES", 3 * PAGE_SIZE)
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(device, "discard", lambda *request: seen.append(request))
    node.discard(PAGE_SIZE, 7 * PAGE_SIZE)
    assert seen == [(PAGE_SIZE, 3 * PAGE_SIZE), (4 * PAGE_SIZE, 3 * PAGE_SIZE), (7 * PAGE_SIZE, PAGE_SIZE)]


def test_a_failing_request_does_not_stop_the_others(
    node: NodeFile, device: Zram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_module, "DISCARD_BYTES", PAGE_SIZE)
    seen: list[int] = []

    def write_zeroes(offset: int, _length: int) -> None:
        seen.append(offset // PAGE_SIZE)
        if offset == PAGE_SIZE:
            raise ZramError(12, "no memory")

    monkeypatch.setattr(device, "write_zeroes", write_zeroes)
    assert errno_of(node.zeroout, 0, 3 * PAGE_SIZE) == EIO
    assert seen == [0, 1, 2]


def test_a_failing_page_fails_the_read_after_all_were_read(node: NodeFile, device: Zram) -> None:
    node.pwrite(huge(0) + huge(1) + huge(2), 0)
    device.writeback("huge")
    assert errno_of(node.pread, SIZE, 0) == EIO
    assert device.stats.bd.bd_reads == 3


def test_a_failing_page_ends_its_request_but_not_the_others(
    node: NodeFile, device: Zram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_module, "REQUEST_PAGES", 2)
    through = device.write_page
    written: list[int] = []

    def write_page(index: int, data: bytes) -> None:
        if index == 2:
            raise ZramError(12, "no memory")
        through(index, data)
        written.append(index)

    monkeypatch.setattr(device, "write_page", write_page)
    assert errno_of(node.pwrite, b"".join(map(page, range(6))), 0) == EIO
    assert written == [0, 1, 4, 5]


def test_a_device_without_a_size_has_no_bytes() -> None:
    with Zram() as device, Node(device).open() as node:
        assert (node.size, node.pread(PAGE_SIZE, 0)) == (0, b"")
        assert errno_of(node.pwrite, page(0), 0) == ENOSPC
        assert errno_of(node.discard, 0, PAGE_SIZE) == EINVAL


def test_an_open_node_holds_off_a_reset(device: Zram) -> None:
    node = Node(device)
    first, second = node.open(), node.open()
    first.close()
    first.close()
    assert node.openers == 1
    assert errno_of(device.reset) == EBUSY
    assert errno_of(device.attrs.store, "reset", "1") == EBUSY
    assert node.size == SIZE
    second.close()
    device.reset()
    assert (node.openers, node.size) == (0, 0)


def test_one_exclusive_open_at_a_time(device: Zram) -> None:
    node = Node(device)
    with node.open(exclusive=True), node.open():
        assert errno_of(lambda: node.open(exclusive=True)) == EBUSY
    node.open(exclusive=True).close()
    assert node.openers == 0


def test_nobody_opens_what_is_being_reset(device: Zram) -> None:
    with device.openers.shut_out():
        assert errno_of(Node(device).open) == EBUSY
        assert errno_of(device.reset) == EBUSY
    Node(device).open().close()


def test_a_reset_that_fails_lets_others_open_again(device: Zram) -> None:
    with pytest.raises(KeyError), device.openers.shut_out():
        raise KeyError
    Node(device).open().close()


def test_a_closed_open_is_of_no_use(device: Zram) -> None:
    opened = Node(device).open()
    opened.close()
    assert refusals(opened, 0, PAGE_SIZE) == [EBADF] * 4
    assert errno_of(opened.pread, PAGE_SIZE, -1) == EINVAL  # of the call, which has not looked for the file yet


def test_a_read_only_open_reads_and_does_nothing_else(device: Zram) -> None:
    device.write_page(0, page(1))
    with Node(device).open(read_only=True) as node:
        assert node.pread(PAGE_SIZE, 0) == page(1)
        assert errno_of(node.pwrite, page(2), 0) == EBADF
        assert errno_of(node.pwrite, b"", SIZE) == EBADF
        assert errno_of(node.discard, 0, PAGE_SIZE) == EBADF
        assert errno_of(node.zeroout, 1, -1) == EBADF
        assert errno_of(node.pwrite, page(2), -1) == EINVAL
        assert errno_of(device.reset) == EBUSY
    assert (device.read_page(0), device.stats.io.notify_free) == (page(1), 0)
    device.reset()


def test_a_read_only_open_may_be_the_exclusive_one(device: Zram) -> None:
    node = Node(device)
    with node.open(read_only=True, exclusive=True):
        assert errno_of(lambda: node.open(exclusive=True)) == EBUSY
    node.open(exclusive=True).close()


@pytest.mark.parametrize(
    ("offset", "length", "code"),
    [
        (2**63 - PAGE_SIZE, PAGE_SIZE, EINVAL),
        (2**63 - PAGE_SIZE, PAGE_SIZE - 1, ENOSPC),
        (2**63 - 1, 1, EINVAL),
        (2**63, 0, EINVAL),
        (2**64 + PAGE_SIZE, PAGE_SIZE, EINVAL),
        (2**62, PAGE_SIZE, ENOSPC),
        (-PAGE_SIZE, PAGE_SIZE, EINVAL),
    ],
)
def test_a_transfer_ends_below_the_largest_offset(node: NodeFile, offset: int, length: int, code: int) -> None:
    """The driver's answers of p7_offset_overflow and byte_edges.

    ENOSPC came first here, and a read found nothing: the sum was compared with the device's size alone.
    """
    assert errno_of(node.pwrite, bytes(length), offset) == code
    if code == EINVAL:
        assert errno_of(node.pread, length, offset) == EINVAL
    else:
        assert node.pread(length, offset) == b""
    assert cleared(node, offset, length) == [EINVAL] * 2


@pytest.mark.parametrize("length", [PAGE_SIZE + 512, 2 * PAGE_SIZE - 1, 100 * PAGE_SIZE + 1])
def test_alignment_is_that_of_what_is_on_the_device(node: NodeFile, device: Zram, length: int) -> None:
    """The driver's answers of zm_end_unaligned.

    EINVAL came first here: alignment was looked at before the transfer was cut at the device's end.
    """
    last = SIZE - PAGE_SIZE
    assert node.pwrite(page(3).ljust(length, b"x"), last) == PAGE_SIZE
    assert node.pread(length, last) == device.read_page(PAGES - 1) == page(3)


@pytest.mark.parametrize("offset", [1, 512, SIZE - 1, SIZE + 1])
def test_what_is_left_of_a_transfer_must_be_blocks(node: NodeFile, offset: int) -> None:
    """The driver's answers of zm_end_unaligned: nothing is no part of a block."""
    assert (node.pwrite(b"", offset), node.pread(0, offset)) == (0, b"")
    if offset < SIZE:
        assert errno_of(node.pwrite, page(0), offset) == errno_of(node.pread, PAGE_SIZE, offset) == EINVAL
    else:
        assert (errno_of(node.pwrite, b"x", offset), node.pread(7, offset)) == (ENOSPC, b"")
