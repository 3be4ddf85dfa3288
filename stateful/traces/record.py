"""Writing down what a device reports, as it does: a trace of everything its threads do.

An event is noted while the lock is held that makes it happen, so its line comes after those of all that it depends on:
wherever a trace was cut short, everything before can be judged.
"""

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final, TextIO

from stateful.traces.schema import LETTERS, VERSION, Header, own_object
from zram_impl import Zram
from zram_impl.cli.output import whole
from zram_impl.events.observer import Tasks, Versions

_TOGETHER: Final = 512
"""Events that are kept before they are written."""


class TraceWriter:
    """An observer that writes a trace; the header must have room for everything that is reported."""

    def __init__(self, file: TextIO, header: Header) -> None:
        """Begin a trace in `file`, which stays the caller's."""
        self._file = file
        self._versions = Versions()
        self._lock = threading.Lock()  # guards the file and _events; taken inside the device's locks, and calls nothing
        self._tasks = Tasks["count[int]"]()
        """One number for each task: that of its next event."""
        self._lines: deque[str] = deque()
        """Lines not written yet; threads append without the lock."""
        self._events = 0
        self._write(json.dumps({"trace": VERSION, **header._asdict()}))

    def __call__(self, kind: str, /, *args: int) -> None:
        """Write one event down."""
        name, numbers = self._tasks.mine()
        if not numbers:
            numbers.append(count(1))
        touched = (*self._versions.touch(kind, args), (own_object(name), 0, next(numbers[0])))
        event = {"task": name, "does": kind, "args": [int(each) for each in args], "touches": touched}
        self._lines.append(json.dumps(event))
        if len(self._lines) >= _TOGETHER:
            self._flush()

    def on_read_step(self, kind: str, /, *args: int) -> None:
        """Write down a step of a read of a written-back page."""
        self(kind, *args)

    def end(self, device: Zram) -> int:
        """Write what is left, and what the device is like now that nobody uses it; return the number of events."""
        self._flush()
        now = device.snapshot()
        counts = {"stored": now.pages_stored, "same": now.same_pages, "huge": now.huge_pages, "bd_count": now.bd_count}
        end = {
            "slots": "".join(LETTERS[slot.kind] for slot in now.slots),
            "used": [block for block, used in enumerate(now.blocks) if used],
            "limit": now.limit,
            "counts": counts,
        }
        self._write(json.dumps({"end": end}))
        return self._events

    def _flush(self) -> None:
        with self._lock:
            self._write_noted()

    def _write_noted(self) -> None:
        while self._lines:
            self._write(self._lines.popleft())
            self._events += 1

    def _write(self, line: str) -> None:
        self._file.write(f"{line}\n")


@contextmanager
def recording(path: Path, header: Header) -> Iterator[TraceWriter]:
    """Record into a file, which is there once the block is left, `end` having been called in it, and not otherwise."""
    with whole(path) as file:
        yield TraceWriter(file, header)
