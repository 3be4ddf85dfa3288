"""Addresses of the pages of writes, as the system is asked to write them."""

import ctypes
import struct
from collections.abc import Iterator

import pytest

from zram_impl.bdev.memory import MemoryDevice
from zram_impl.engine.buffers import PageBuffers
from zram_impl.engine.request import WbReq
from zram_impl.engine.ring_queue import Addresses, address_of
from zram_impl.engine.sync import SyncEngine
from zram_impl.passes.request_pool import RequestPool
from zram_impl.units import PAGE_SIZE, BlkIdx, SlotIndex


@pytest.fixture
def made() -> Iterator[list[WbReq]]:
    store = PageBuffers(8)
    pages = [page for _ in range(8) if (page := store.take()) is not None]
    yield [WbReq(number, page) for number, page in enumerate(pages)]
    store.close()


def entries(where: int, pieces: int) -> list[tuple[int, int]]:
    return list(struct.iter_unpack("=QQ", ctypes.string_at(where, 16 * pieces)))


def test_pages_side_by_side_are_one_piece_of_memory(made: list[WbReq]) -> None:
    addresses = Addresses(8)
    for _ in range(2):  # unknown, and known
        found = addresses.of([(0, made[2:5]), (1, made[7:]), (2, made[:2])])
        assert found == [(address_of(made[first].page), 0) for first in (2, 7, 0)]


def test_pages_in_another_order_are_a_piece_each(made: list[WbReq]) -> None:
    """Each write has an array of its own, as the system reads all of them at once."""
    runs = [made[5:3:-1], made[:1], [made[1], made[2], made[6]]]
    addresses = Addresses(8)
    found = addresses.of(list(enumerate(runs)))
    assert [pieces for _, pieces in found] == [2, 0, 3]
    for (where, pieces), run in zip(found, runs, strict=True):
        if pieces:
            assert entries(where, pieces) == [(address_of(request.page), PAGE_SIZE) for request in run]


def answered(reqs: list[WbReq]) -> list[WbReq]:
    for req in reqs:
        req.index, req.blk_idx, req.entry = SlotIndex(0), BlkIdx(0), b""
    return reqs


def test_requests_are_taken_in_the_order_of_their_pages() -> None:
    """Once all of them are idle, however they were answered; and those of one run in its order."""
    engine = SyncEngine(MemoryDevice(1), depth=6)
    pool = RequestPool(engine, 6)

    def taken(count: int) -> list[int]:
        return [req.number for _ in range(count) if (req := pool.take()) is not None]

    assert taken(6) == [0, 1, 2, 3, 4, 5]
    pages = [address_of(req.page) for req in pool.requests]
    assert pages == list(range(pages[0], pages[0] + 6 * PAGE_SIZE, PAGE_SIZE))
    pool.retire(answered(pool.requests[:3]))
    assert taken(3) == [0, 1, 2]
    for number in (4, 2, 5, 0, 1, 3):
        pool.retire(answered([pool.requests[number]]))
    assert taken(6) == [0, 1, 2, 3, 4, 5]
    pool.retire(answered(pool.requests))
    pool.close()
    pool = RequestPool(engine, 5)
    assert taken(5) == [0, 1, 2, 3, 4]
    assert [address_of(req.page) for req in pool.requests] == pages[:5]
    pool.retire(answered(pool.requests))
    pool.close()
    engine.close()
