"""A device that is reset in the middle of a trace begins anew, its budget too."""

import io

from stateful.common.stamped_pages import stamped
from stateful.traces.check import check
from stateful.traces.record import TraceWriter
from stateful.traces.schema import Header, read
from zram_impl import PAGE_SIZE, Zram
from zram_impl.bdev.memory import MemoryDevice


def test_a_reset_during_a_pass_is_a_behaviour() -> None:
    file = io.StringIO()
    writer = TraceWriter(file, Header(slots=4, blocks=4, requests=32, readers=1, limit=None))
    with Zram(observer=writer) as dev:
        for life in range(3):
            dev.set_backing(MemoryDevice(4))
            dev.initialise(4 * PAGE_SIZE)
            dev.set_writeback_limit(3)
            dev.enable_writeback_limit(True)
            for page in range(4):
                dev.write_page(page, stamped(page, life))
            running = dev.begin_writeback(pages=range(4))
            for _ in range(3 + 2 * life):
                running.advance(1)
            dev.reset()
        dev.set_backing(MemoryDevice(4))
        dev.initialise(4 * PAGE_SIZE)
        dev.write_page(3, stamped(3, 9))
        writer.end(dev)
    trace = read(file.getvalue().splitlines())
    assert [line.action.name for line in trace.lines].count("reset") == 3
    assert check(trace) is None
