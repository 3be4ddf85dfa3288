"""Decompression into memory of the caller's, where the package lets it be found; and what a pass does without it."""

import errno
import os
from unittest import mock

import lz4.block
import pytest

from tests.impl.doubles import Bench
from tests.impl.passes.driving import finish
from zram_impl.compression.algorithms import lz4_into
from zram_impl.compression.algorithms.lz4_into import find_unpack_into
from zram_impl.page_memory import page_memory
from zram_impl.units import PAGE_SIZE, BlkIdx

PAGE = bytes(range(256)) * 8 + bytes(PAGE_SIZE // 2)


def test_a_page_is_unpacked_in_place_and_damage_is_noticed() -> None:
    unpack_into = find_unpack_into()
    assert unpack_into is not None
    buffer = bytearray(b"x" * PAGE_SIZE)
    packed = lz4.block.compress(PAGE, "default", False)
    assert unpack_into(packed, page_memory(memoryview(buffer)), len(packed), PAGE_SIZE) == PAGE_SIZE
    assert bytes(buffer) == PAGE
    assert unpack_into(packed[:-9], page_memory(memoryview(buffer)), len(packed) - 9, PAGE_SIZE) != PAGE_SIZE
    assert unpack_into(packed, page_memory(memoryview(buffer)), len(packed), PAGE_SIZE // 2) < 0


@pytest.mark.parametrize("error", [OSError("no such file"), AttributeError("no such function")])
def test_a_package_that_hides_it_is_done_without(error: Exception) -> None:
    with mock.patch.object(lz4_into, "PyDLL", side_effect=error):
        assert find_unpack_into() is None
    with mock.patch.object(lz4_into, "PyDLL"):
        assert find_unpack_into() is None, "what does something else is not taken"


@pytest.mark.parametrize("there", [True, False])
def test_a_pass_writes_the_same_with_and_without_it(there: bool) -> None:
    pages = [PAGE, os.urandom(PAGE_SIZE), PAGE[::-1]]
    bench = Bench()
    for index, page in enumerate(pages):
        bench.dev.write_page(index, page)
    if not there:
        bench.pages.shared.unpack_into = None
    assert finish(bench.dev.begin_writeback(pages=range(3))).written == 3
    assert [bench.dev.read_page(index) for index in range(3)] == pages
    assert sorted(bench.backing.block(BlkIdx(block)) for block in range(3)) == sorted(pages)


def test_a_damaged_object_is_a_failed_write() -> None:
    bench = Bench()
    bench.dev.write_page(0, PAGE)
    entries = bench.pages.table.entries
    entries[0] = b"\xff" * len(entries[0])  # type: ignore[arg-type]  # it is bytes
    result = finish(bench.dev.begin_writeback(pages=[0]))
    assert (result.failed, result.errors) == (1, [(0, errno.EIO)])


def test_memory_goes_back_though_a_pass_that_is_over_is_kept() -> None:
    bench = Bench()
    bench.dev.write_page(0, PAGE)
    running = bench.dev.begin_writeback(pages=[0])
    finish(running)
    assert not any(hasattr(req, "memory") for req in running.requests)
