"""Page buffers: aligned, grown on demand, bounded, and really given back."""

import ctypes
import mmap
from pathlib import Path
from pickle import PickleBuffer

import pytest

from zram_impl.engine import buffers
from zram_impl.engine.buffers import PageBuffers
from zram_impl.units import PAGE_SIZE


def address(page: memoryview) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(page))


def take(store: PageBuffers) -> memoryview:
    page = store.take()
    assert page is not None
    return page


def resident_pages() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])


def test_pages_are_aligned_and_apart() -> None:
    store = PageBuffers(70)
    pages = [take(store) for _ in range(70)]
    places = {address(page) for page in pages}
    assert {place % PAGE_SIZE for place in places} == {0}
    assert {len(page) for page in pages} == {PAGE_SIZE}
    for number, page in enumerate(pages):
        page[:] = bytes([number]) * PAGE_SIZE
    assert [page[0] for page in pages] == list(range(70))
    assert len(places) == 70
    store.close()


def test_pages_are_handed_out_in_address_order() -> None:
    store = PageBuffers(8)
    places = [address(take(store)) for _ in range(8)]
    assert places == [places[0] + n * PAGE_SIZE for n in range(8)]
    store.close()


def test_memory_is_taken_as_it_is_used() -> None:
    before = resident_pages()
    store = PageBuffers(4096)
    pages = [take(store) for _ in range(4096)]
    pages[0][0] = 1
    assert resident_pages() - before < 1024
    store.close()


@pytest.mark.parametrize(("depth", "asked"), [(255, False), (256, True), (513, True)])
def test_a_large_store_asks_for_large_pages(depth: int, asked: bool) -> None:
    store = PageBuffers(depth)
    place = address(take(store))
    flags, inside = list[str](), False
    for line in Path("/proc/self/smaps").read_text(encoding="ascii").splitlines():
        if (first := line.split()[0]).count("-") == 1:
            low, high = (int(number, 16) for number in first.split("-"))
            inside = low <= place < high
        elif inside and first == "VmFlags:":
            flags = line.split()
    assert ("hg" in flags) == asked
    assert (place % (2 << 20) == 0) >= asked
    store.close()


def test_a_large_store_begins_with_a_large_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Larger than any, as Linux itself lets a mapping begin at a multiple of the size there is."""
    monkeypatch.setattr(buffers, "_LARGE", 1 << 30)
    store = PageBuffers((1 << 29) // PAGE_SIZE)
    assert address(take(store)) % (1 << 30) == 0
    store.close()


def test_a_large_store_needs_no_large_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(mmap, "MADV_HUGEPAGE")
    store = PageBuffers(256)
    assert len({address(take(store)) for _ in range(256)}) == 256
    store.close()


def test_at_most_depth_pages_are_out_and_one_returned_is_reused() -> None:
    store = PageBuffers(2)
    first, second = take(store), take(store)
    assert store.take() is None
    assert store.out == 2
    store.give(first)
    assert store.take() is first
    store.give(second)
    assert (store.depth, store.out) == (2, 1)
    store.close()


def test_a_store_of_no_page_is_a_defect() -> None:
    with pytest.raises(AssertionError, match="at least one request"):
        PageBuffers(0)


def test_a_page_given_back_twice_is_a_defect() -> None:
    store = PageBuffers(2)
    page = take(store)
    store.give(page)
    with pytest.raises(AssertionError, match="given back once"):
        store.give(page)
    store.close()


def test_a_page_from_elsewhere_is_a_defect() -> None:
    store = PageBuffers(2)
    with pytest.raises(AssertionError, match="to where it came from"):
        store.give(memoryview(bytearray(PAGE_SIZE)))


@pytest.mark.parametrize("failure", [OSError(12, "Cannot allocate memory"), MemoryError()])
def test_without_memory_there_is_no_page_until_there_is_memory(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def refuse(_fd: int, _length: int, flags: int = 0) -> mmap.mmap:
        raise failure

    store = PageBuffers(64)
    with monkeypatch.context() as patch:
        patch.setattr(mmap, "mmap", refuse)
        assert store.take() is None
        assert store.take() is None
    assert store.take() is not None
    with monkeypatch.context() as patch:
        patch.setattr(mmap, "mmap", refuse)
        assert store.take() is not None
    store.close()


def test_close_returns_the_memory_to_the_system() -> None:
    store = PageBuffers(4096)
    for _ in range(4096):
        take(store)[0] = 1
    before = resident_pages()
    store.close()
    assert before - resident_pages() > 4000


def test_after_close_a_page_that_is_still_out_cannot_be_used() -> None:
    store = PageBuffers(1)
    page = take(store)
    store.close()
    with pytest.raises(ValueError, match="released"):
        page[0] = 1


def test_a_page_in_use_at_close_stays_mapped_until_released() -> None:
    store = PageBuffers(1)
    page = take(store)
    page[0] = 7
    # Holds the page as a system call does that writes it.
    in_transfer = PickleBuffer(page)
    store.close()
    assert memoryview(in_transfer)[0] == 7


def test_a_copy_of_a_view_outlives_close() -> None:
    store = PageBuffers(1)
    part = take(store)[:2]
    store.close()
    part[0] = 7
    assert part[0] == 7


def test_close_is_idempotent_and_ends_taking_and_giving() -> None:
    store = PageBuffers(1)
    page = take(store)
    store.close()
    store.close()
    store.give(page)
    assert store.out == 0
    with pytest.raises(AssertionError, match="after close"):
        store.take()
