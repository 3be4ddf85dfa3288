"""Reads of written-back pages whose block gets another page in between, in traces."""

import io
import threading
import zlib

import pytest

from stateful.common.stamped_pages import stamped
from stateful.traces.check import check
from stateful.traces.record import TraceWriter
from stateful.traces.schema import Header, read
from zram_impl import PAGE_SIZE, Zram
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.faults import Gated
from zram_impl.pages.page_io import Pages
from zram_impl.table.entries import Backed, Entry

PATIENCE = 20.0


def reuse_under_a_read() -> list[str]:
    """The trace of a read whose block is freed, and gets another page, before the device answers."""
    file = io.StringIO()
    writer = TraceWriter(file, Header(slots=2, blocks=1, requests=32, readers=1, limit=None))
    backing = Gated(MemoryDevice(1), lambda operation: operation.kind == "read")
    with Zram.create(2 * PAGE_SIZE, backing=backing, observer=writer) as dev:
        dev.write_page(0, stamped(0, 1))
        dev.write_page(1, stamped(1, 1))
        dev.writeback(pages=[0])
        backing.hold()
        reading = threading.Thread(target=dev.read_page, args=(0,), name="reader")
        reading.start()
        assert backing.wait_for(1, PATIENCE)
        dev.discard(0, PAGE_SIZE)
        dev.writeback(pages=[1])
        backing.open()
        reading.join(PATIENCE)
        writer.end(dev)
    return file.getvalue().splitlines()


def test_a_restarted_read_is_a_behaviour() -> None:
    lines = reuse_under_a_read()
    assert [line for line in lines if '"read_retry"' in line]
    assert check(read(lines)) is None


def test_a_read_that_ends_with_what_is_on_the_block_now_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_looking(self: Pages, index: int, entry: Backed, reader: int) -> Entry:
        steps = self._read_steps
        assert steps is not None
        steps.answered(reader)
        with self._lock:
            steps.look_again(reader, index, unchanged=True, backed=True)
        return entry

    monkeypatch.setattr(Pages, "_look_again", without_looking)
    monkeypatch.setattr(zlib, "crc32", lambda *_: 0)  # or the checksum would tell
    found = check(read(reuse_under_a_read()))
    assert found is not None
    assert found.sentence == "read_end(reader 0) is impossible"
    assert "reader 0  answered, slot 0 from blk 0, slot replaced since" in found.details
