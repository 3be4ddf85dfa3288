"""Standard streams as a command finds them: closed, full, or read by nobody.

Results have to arrive, so what standard output refuses ends the command. Notes are lost where standard error refuses
them, because nothing could say so.
"""

import io
import os
import sys
from typing import Final, TextIO

_CLOSED: Final = (os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)
"""Flags for opening those that the process was begun without: reading the first and writing the second is EBADF."""


class ResultStream(io.FileIO):
    """Standard output. `refused` is the error it last refused something with: who printed it may have dropped that."""

    refused: OSError | None = None

    def write(self, data: bytes | memoryview, /) -> int:  # type: ignore[override,explicit-override]  # what is written
        """Write some of the data."""
        try:
            return super().write(data)
        except OSError as error:
            self.refused = error
            raise

    def give_up(self) -> None:
        """Have everything that is printed from here on go nowhere, also by the interpreter at its end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


class NoteStream(io.FileIO):
    """Standard error. What it refuses is lost."""

    def write(self, data: bytes | memoryview, /) -> int:  # type: ignore[override,explicit-override]  # likewise
        """Write some of the data, or none."""
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def open_streams() -> ResultStream:
    """Put streams of these classes in the place of the process's own; return standard output.

    A stream that is closed is opened, so that no file which is opened later gets its number.
    """
    for number, flags in enumerate(_CLOSED):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # all lower numbers are taken, so it gets this one
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  (it is there until the end)
    results = ResultStream(1, "w", closefd=False)
    if sys.stdout is sys.__stdout__:  # what somebody else has put there is theirs
        sys.stdout = _like(sys.stdout, results)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _like(sys.stderr, NoteStream(2, "w", closefd=False))
    return results


def _like(before: TextIO | None, raw: io.FileIO) -> TextIO:
    """Return a stream on `raw` that encodes as the one before, and passes lines on as early."""
    if not isinstance(before, io.TextIOWrapper):
        return io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", "backslashreplace", line_buffering=True)
    at_once = before.line_buffering or before.write_through
    return io.TextIOWrapper(io.BufferedWriter(raw), before.encoding, before.errors, line_buffering=at_once)
