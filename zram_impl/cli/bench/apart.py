"""Measurements in a process of their own, which gets pages on standard input and prints its outcome as JSON.

Other programs, too: whatever runs is ended as soon as the measurement is.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from math import inf
from time import monotonic, sleep
from typing import Final

from zram_impl.cli.corpus import mixed_pages
from zram_impl.cli.stop import Stop

CORPUS: Final = 4096
"""Pages that the process gets."""
_LOOK_EVERY: Final = 0.05


def run_apart(module: str, arguments: list[str], stop: Stop) -> bytes:
    """Run a module as a program; return what it printed. OSError with its exit code if it fails."""
    with ExitStack() as stack:
        corpus = stack.enter_context(tempfile.TemporaryFile())
        corpus.write(b"".join(mixed_pages(CORPUS)))
        corpus.seek(0)
        child = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=corpus,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        )
        stack.callback(child.kill)  # before it is waited for; too late for one that has ended
        _wait(child, stop)
        assert child.stdout is not None, "a pipe was asked for"
        answer = child.stdout.read()
    stop.check()
    if child.returncode:
        raise OSError(child.returncode, f"{module} failed in a process of its own")
    return answer


def run_watched(command: Sequence[str], stop: Stop, patience: float = inf) -> "subprocess.CompletedProcess[str]":
    """Run a program; return its exit code and what it printed. After `patience` seconds it is ended, and failed."""
    ends = monotonic() + patience
    with ExitStack() as stack:
        child = stack.enter_context(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        stack.callback(child.terminate)  # not killed: it ends processes of its own
        printed = _printed(child, ends, stop)
    if printed is None:
        return subprocess.CompletedProcess(command, -1, "", f"no answer within {patience:g} seconds")
    return subprocess.CompletedProcess(command, child.returncode, *printed)


def _printed(child: "subprocess.Popen[str]", ends: float, stop: Stop) -> tuple[str, str] | None:
    """Return what a program printed when it has ended; None if it has not at `ends`."""
    while monotonic() < ends:
        stop.check()
        with suppress(subprocess.TimeoutExpired):
            return child.communicate(timeout=_LOOK_EVERY)
    return None


def _wait(child: "subprocess.Popen[bytes]", stop: Stop) -> None:
    while child.poll() is None:
        stop.check()
        sleep(_LOOK_EVERY)


def resident() -> int:
    """Return the bytes of this process that are resident."""
    with open("/proc/self/statm", encoding="ascii") as counts:
        return int(counts.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
