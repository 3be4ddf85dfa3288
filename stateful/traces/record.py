"""Writing down what a device reports, as it does: a trace of everything its threads do."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from stateful.traces.schema import LETTERS, VERSION, Header
from zram_impl import Zram
from zram_impl.events.observer import Tasks, Versions

_TOGETHER: Final = 512
"""Events a task keeps before it writes them."""


class TraceWriter:
    """An observer that writes a trace; the header must have room for all that it is told of."""

    def __init__(self, file: TextIO, header: Header) -> None:
        """Begin a trace in `file`, which stays the caller's."""
        self._file = file
        self._versions = Versions()
        self._lock = threading.Lock()  # guards the file and _events; taken inside the device's locks, and calls nothing
        self._tasks = Tasks[str]()
        """What each task has not written yet."""
        self._events = 0
        self._write([json.dumps({"trace": VERSION, **header._asdict()})])

    def __call__(self, kind: str, /, *args: int) -> None:
        """Write one event down."""
        name, lines = self._tasks.mine()
        touched = self._versions.touch(kind, args)
        event = {"task": name, "does": kind, "args": [int(each) for each in args], "touches": touched}
        lines.append(json.dumps(event))
        if len(lines) >= _TOGETHER:
            self._flush(lines)

    def reading(self, kind: str, /, *args: int) -> None:
        """Write down a step of a read of a written-back page."""
        self(kind, *args)

    def end(self, device: Zram) -> int:
        """Write what is left, and what the device is like now that nobody uses it; return the number of events."""
        for lines in self._tasks.lists().values():
            self._flush(lines)
        now = device.snapshot()
        counts = {"stored": now.pages_stored, "same": now.same_pages, "huge": now.huge_pages, "bd_count": now.bd_count}
        end = {
            "slots": "".join(LETTERS[slot.kind] for slot in now.slots),
            "used": [block for block, used in enumerate(now.blocks) if used],
            "limit": now.limit,
            "counts": counts,
        }
        self._write([json.dumps({"end": end})])
        return self._events - 2  # header and end are no events

    def _flush(self, lines: list[str]) -> None:
        self._write(lines)
        lines.clear()

    def _write(self, lines: list[str]) -> None:
        with self._lock:
            self._events += len(lines)
            self._file.writelines(f"{line}\n" for line in lines)


@contextmanager
def recording(path: Path, header: Header) -> Iterator[TraceWriter]:
    """Record into a file, which is complete once the block is left and `end` was called in it."""
    with path.open("w", encoding="utf-8") as file:
        yield TraceWriter(file, header)
