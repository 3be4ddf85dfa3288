"""A process that is killed in the middle of a pass leaves nothing behind: the next one can use the file at once."""

import errno
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.impl.doubles import huge
from tests.refused import refused
from zram_impl import PAGE_SIZE, WritebackResult, Zram

PAGES = 8

# Writes to the file stop at a gate before they begin, or are held back after they are done.
VICTIM = """
import sys, threading, time
from zram_impl import PAGE_SIZE, Zram
from zram_impl.bdev.file import open_file
from zram_impl.faults import Gated, Reordering

path, pages, where = sys.argv[1], int(sys.argv[2]), sys.argv[3]
inner = open_file(path, size=pages * PAGE_SIZE)
gate = Gated(inner)
device = Reordering(gate, width=1000, patience=1e6) if where == "after" else gate
if where == "before":
    gate.hold()
dev = Zram.create(pages * PAGE_SIZE, backing=device, batch_size=4)
for number in range(pages):
    dev.write_page(number, bytes([number + 1]) * 8 + __import__("random").Random(number).randbytes(PAGE_SIZE - 8))

def tell():
    if where == "before":
        gate.wait_for(1)
    else:
        while not device.held:
            time.sleep(0.001)
    print("in flight", flush=True)

threading.Thread(target=tell, daemon=True).start()
dev.writeback("huge")
print("the pass ended", flush=True)
"""


@contextmanager
def in_flight(path: Path, where: str) -> Iterator["subprocess.Popen[str]"]:
    """A process in the middle of a pass, with a write in flight."""
    command = [sys.executable, "-c", VICTIM, str(path), str(PAGES), where]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "in flight\n"
            yield process
        finally:
            process.kill()


NEXT = """
import sys
from zram_impl import PAGE_SIZE, Zram
with Zram.create("64K", backing=sys.argv[1]) as dev:
    dev.write_page(3, b"x" * 5 + bytes(PAGE_SIZE - 5))
    print(dev.writeback(pages=[3]).written, dev.read_page(3)[:5])
"""


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_file_is_free_at_once_when_its_user_is_killed(tmp_path: Path, where: str) -> None:
    path = tmp_path / "pages.img"
    with in_flight(path, where) as process:
        with refused(errno.EBUSY, "in use"):
            Zram.create(PAGES * PAGE_SIZE, backing=path)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert path.stat().st_size == PAGES * PAGE_SIZE
        with Zram.create(PAGES * PAGE_SIZE, backing=path) as dev:
            for number in range(PAGES):
                dev.write_page(number, huge(number))
            assert dev.writeback("huge") == WritebackResult(selected=PAGES, written=PAGES)
            assert [dev.read_page(number) for number in range(PAGES)] == [huge(number) for number in range(PAGES)]


def test_another_process_can_use_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "pages.img"
    with in_flight(path, "before") as process:
        process.kill()
        process.wait()
    said = subprocess.run([sys.executable, "-c", NEXT, str(path)], capture_output=True, text=True, check=True).stdout
    assert said == "1 b'xxxxx'\n"
