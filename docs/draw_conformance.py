"""Writes `docs/generated/conformance.md`: `python -m docs.draw_conformance`. Its table of quirks comes from the device.

A test says when it is stale.
"""

import re
from collections.abc import Sequence
from dataclasses import fields
from inspect import cleandoc
from pathlib import Path
from typing import Final

from docs.program import write_page
from spec.processes.entry import run
from zram_impl import Quirks

PAGE: Final = Path(__file__).resolve().with_name("generated") / "conformance.md"
_BEFORE: Final = """\
# Compared with the real driver

Written by `python -m docs.draw_conformance`; the quirks are those of `zram_impl/quirks.py`.

An unmodified Linux 7.3.4 was given sequences of operations on its zram device, in a virtual machine; what it answered
lies in [tests/data/kernel-traces](../../tests/data/kernel-traces/README.md). `python -m stateful conformance DIR` does
the same operations on this device and prints every difference:

```console
$ python -m stateful conformance tests/data/kernel-traces
$ python -m stateful conformance tests/data/kernel-traces --quirks none
```

The first one, with all quirks, is to find nothing, and is part of `make check` and of the tests. The second one shows
what this device does otherwise when nobody asks for quirks. Each of its differences carries the names of the quirks
it comes from: those without which it comes back when all others are on. One that no quirk explains says `no quirk`.
Exit code 0: no difference, 1: some, 2: no such directory, or a malformed file (with its line).

## What is compared

After every operation: bytes moved or errno; the checksum of every page read; text shown; and of the state all that
does not depend on an allocator: bd_stat, io_stat, the columns of mm_stat that count pages and compressed bytes and that
of the memory limit, limit and its enable, batch size, compressed_writeback, initstate, disksize, backing_dev, the marks
of every page, the second of its last access where that was recorded, and the content of every block of every backing
file, so also which block a page went to. What stays different is listed once.

Not compared: memory in use (mm_stat columns 3, 5 and 7), which is the allocator's; and of sequences whose outcome
depended on when writes were answered everything but results, errnos and the pages read.

After every operation the device's statistics are compared with a recount of its slots, of what its backing device was
asked, and of the requests whose page it refused, too (`recount.` fields).

## How a replay has one outcome

- The machine around the device is rebuilt in memory: files, loop devices, device-mapper devices that can be suspended
  and whose blocks can fail, paths and what opening them answers (`stateful/conformance/recorded_disks.py`). Failing and
  waiting are the filters of `zram_impl.faults`.
- Reads and writes go through the device's node (`zram_impl/block_layer.py`), which answers what the block layer does:
  nothing to read and no space past the end, EINVAL for parts of blocks, EIO for whatever the driver says of a page,
  EBUSY for a reset while it is open. What is not direct goes through a page cache that reads ahead
  (`stateful/conformance/page_cache.py`).
- Pages are compressed as the recorded kernel's lz4 does, which is older than the package's
  (`stateful/conformance/kernel_lz4.py`).
- The clock is set by what was recorded of it. Where an operation may have been done in one of two seconds, the times
  and marks of the pages say in which.
- When a pass waits for a write, everything in flight is answered, last one first, as the recorded kernel does.
- A store in the background runs in a thread, until it waits for a suspended device or is over; only one of the two
  threads ever runs. An operation that would have hung the machine for ever is listed as `(hangs)`.

## Quirks

`Quirks()` is the device as it is without being asked, `Quirks.linux_7_3()` has all of these but those of Linux before
7.3.4, and `Quirks.linux(version)` those of a version.

"""
_AFTER: Final = """
With no quirks the outcome of a pass depends neither on the batch size nor on the order in which writes are answered:

```console
$ python -m stateful metamorphic --programs 1000
```

runs generated programs, in which writes fail by page and by block, with batch sizes 1, 2, 7 and 32 and in several
orders each, and compares everything but block numbers.

Of the hazards of the driver that were found by trying, each that can be expressed here has a test named after the run
that showed it: `tests/impl/test_hazards_reads.py`, `test_hazards_outcomes.py` and `test_hazards_control.py`.
"""
_ENTRY: Final = re.compile(r"^    (\w+): (.*(?:\n        .*)*)", re.MULTILINE)


def explained() -> dict[str, str]:
    """Return what each quirk is, from the documentation of the class."""
    return {name: " ".join(text.split()) for name, text in _ENTRY.findall(cleandoc(Quirks.__doc__ or ""))}


def page() -> str:
    """Return the whole page."""
    texts = explained()
    rows = [f"| `{each.name}` | {'on' if each.default else 'off'} | {texts[each.name]} |" for each in fields(Quirks)]
    return _BEFORE + "\n".join(["| quirk | default | what |", "| --- | --- | --- |", *rows]) + "\n" + _AFTER


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page and return the exit code."""
    return write_page("draw_conformance", __doc__, PAGE, page, arguments)


if __name__ == "__main__":
    run("docs.draw_conformance")
