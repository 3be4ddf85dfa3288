"""The process of a task, in a copy of this one, so that what it does is measured."""

import io
import os
import pickle
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing import Pipe

import pytest

from spec.processes import child
from spec.processes.runner import Send, TaskResult
from tests.spec.processes import trial_tasks

# The child is this test, and other threads of the tests do not matter to it; 3.15 warns of every fork.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def ended(run: Callable[[Send], object], parent: int) -> tuple[int, list[object]]:
    """Run a task as its process does and return its exit code and what it sent."""
    receiving, sending = Pipe(duplex=False)
    pid = os.fork()
    if not pid:
        code = 99
        try:
            receiving.close()
            sys.stdin = io.TextIOWrapper(io.BytesIO(pickle.dumps(run)))
            code = child.main([str(sending.fileno()), str(parent)])
        finally:
            os._exit(code)
    sending.close()
    received: list[object] = []
    try:
        while True:
            received.append(receiving.recv())
    except EOFError:
        receiving.close()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), received


def test_a_task_sends_messages_then_its_result() -> None:
    run = partial(trial_tasks.double, 4)
    assert ended(run, os.getpid()) == (0, ["about to double 4", TaskResult(8)])


@pytest.mark.parametrize(("run", "parent"), [(trial_tasks.terminate, None), (trial_tasks.debug, 1)])
def test_an_interrupted_task_sends_no_result(run: Callable[[Send], object], parent: int | None) -> None:
    assert ended(run, parent or os.getpid()) == (1, [])
