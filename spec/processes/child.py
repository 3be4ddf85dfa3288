"""The process of a task: `python -m spec.processes.child PIPE PARENT`, with the pickled function on standard input."""

import ctypes
import os
import pickle
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from types import FrameType
from typing import TYPE_CHECKING, Final

from spec.assertions import require_assertions
from spec.processes.interrupts import land
from spec.processes.runner import TaskResult

if TYPE_CHECKING:
    Pipe = Connection[object, object]

_PR_SET_PDEATHSIG: Final = 1


def main(arguments: Sequence[str]) -> int:
    """Run the function and send its result; return 1 if it was interrupted or nobody listens any more."""
    require_assertions()  # which the environment decides anew for each process
    pipe, parent = map(int, arguments)
    with suppress(KeyboardInterrupt, BrokenPipeError), Connection(pipe, readable=False) as to_parent:
        signal.signal(signal.SIGTERM, _interrupt)
        _end_with(parent)
        _send_result(to_parent)
        return 0
    return 1


def _send_result(to_parent: "Pipe") -> None:
    result = TaskResult(pickle.load(sys.stdin.buffer)(to_parent.send))
    # Nothing is left to clean up: from here on SIGTERM may end the process at once.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    to_parent.send(result)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one would arrive in the middle of the cleanup
    land(KeyboardInterrupt())


def _end_with(parent: int) -> None:
    """Have the kernel send SIGTERM when the parent dies, even by SIGKILL; elsewhere than on Linux `send` will fail."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it was gone before the kernel was asked
        raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
