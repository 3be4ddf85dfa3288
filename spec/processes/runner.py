"""Tasks in processes of their own, a few at a time.

A task is a picklable function that is given a callable to send messages with and returns a result. Its process leads a
process group, so that a terminal's Ctrl-C does not reach it and everything it has started can be ended with it. All
temporary files of tasks lie in one folder. However `run` ends, it leaves no process of the groups and no file behind.
"""

import math
import multiprocessing
import os
import pickle
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import islice
from multiprocessing import connection
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from spec.processes.interrupts import Interrupted, blocked, noted, scratch

if TYPE_CHECKING:
    Pipe = Connection[object, object]

STOP_SECONDS: Final = 0.7
"""Seconds in which a task may clean up after SIGTERM before its group is killed."""
_DEPTH: Final = "ZRAM_TASK_DEPTH"
"""Names in the environment how many tasks a process is in."""
_LOOK_SECONDS: Final = 0.05
_TICK_SECONDS: Final = 0.2
_LAST_LINES: Final = 3

Send = Callable[[object], None]


class ProcessTask(NamedTuple):
    """A function for a process of its own."""

    run: Callable[[Send], object]
    """At the top of a module, or a partial of such. In its process, SIGTERM raises KeyboardInterrupt."""
    seconds: float = math.inf
    """Wall-clock time after which it is killed."""
    path: tuple[Path, ...] = ()
    """Searched for modules before anything else."""


class TaskResult(NamedTuple):
    """The message that ends a task."""

    value: object


class Ended(NamedTuple):
    """A task whose process has ended."""

    code: int | None
    """Exit code: 0 if it returned, None if it ran out of time."""
    out: str
    errors: str
    seconds: float
    result: object = None
    """The value it returned, if it did."""

    def last_words(self) -> str:
        """Return how it ended and the end of its output, for a task that did not return."""
        how = f"stopped after {self.seconds:.0f} s" if self.code is None else f"exit code {self.code}"
        return "\n".join([f"no answer: {how}", *(self.errors or self.out).strip().splitlines()[-_LAST_LINES:]])


def program(module: str, arguments: Sequence[str], _send: Send) -> None:
    """Run a module in this process as `python -m` does; a task is a partial of it."""
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def run(
    tasks: Iterable[ProcessTask],
    ended: Callable[[int, Ended], None],
    received: Callable[[int, object], None] = lambda _index, _message: None,
    tick: Callable[[Mapping[int, float]], None] = lambda _running: None,
    processes: int = 2,
) -> None:
    """Run `tasks` in their order, `processes` at a time. The callbacks name a task by its index.

    Args:
        tasks: Functions to run. Each is taken when there is a process for it, so it may depend on what has ended.
        ended: Called once for each task, when its process and its process group are gone.
        received: Called with each message that a task sends.
        tick: Called several times a second with the tasks under way and the seconds they have taken.
        processes: Tasks at a time.

    Raises:
        Interrupted: SIGINT, SIGTERM or SIGHUP arrived; everything has been cleaned up.
    """
    waiting = enumerate(tasks)
    running: dict[int, _Process] = {}
    # Signals are noted and looked for between callbacks: nothing here is ever half done when one is answered.
    with noted() as interrupt, scratch("zram-tasks-") as folder:
        try:
            while not interrupt():
                for index, task in islice(waiting, processes - len(running)):
                    running[index] = _Process(task, folder)
                if not running:
                    break
                connection.wait([each.pipe for each in running.values() if each.pipe], timeout=_LOOK_SECONDS)
                for index, process in list(running.items()):
                    for message in process.messages():
                        received(index, message)
                    # The signal may have ended the task as well, which as it began was in this process's group: that is
                    # no answer of its own. It was sent to both at once, so it has been noted by now.
                    if process.is_over() and not interrupt():
                        ended(index, running.pop(index).end())
                tick({index: process.seconds() for index, process in running.items()})
        finally:
            _stop(running.values())
        if number := interrupt():
            raise Interrupted(number)


class _Process:
    """A task under way: the process that runs it leads a process group."""

    def __init__(self, task: ProcessTask, folder: Path) -> None:
        self._limit = task.seconds
        self._result: TaskResult | None = None
        self._began = time.monotonic()
        self._grace_ends = math.inf
        with ExitStack() as undo:
            # Files rather than pipes, which would have to be emptied all the time.
            self._out: IO[str] = undo.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", dir=folder))
            self._errors: IO[str] = undo.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", dir=folder))
            here, there = multiprocessing.Pipe(duplex=False)
            undo.callback(here.close)
            self.pipe: Pipe | None = here
            with tempfile.TemporaryFile(dir=folder) as order, there:
                pickle.dump(task.run, order)
                order.seek(0)
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "spec.processes.child", str(there.fileno()), str(os.getpid())],
                    stdin=order,
                    stdout=self._out,
                    stderr=self._errors,
                    env=_environment(task.path, folder),
                    pass_fds=[there.fileno()],
                    process_group=0,
                )
            self._close = undo.pop_all().close

    def seconds(self) -> float:
        return time.monotonic() - self._began

    def messages(self) -> list[object]:
        """Receive what the task has sent, but for its result, which is kept."""
        found: list[object] = []
        try:
            while self.pipe and self.pipe.poll():
                message = self.pipe.recv()
                if isinstance(message, TaskResult):
                    self._result, self._grace_ends = message, time.monotonic() + STOP_SECONDS
                else:
                    found.append(message)
        except (EOFError, OSError, pickle.UnpicklingError):
            self.pipe = None  # a process that died in the middle of a message, or is about to end
        return found

    def is_over(self) -> bool:
        """Return whether the process has ended, has returned and does not end, or is out of time."""
        return self._has_exited() or time.monotonic() > self._grace_ends or self.seconds() > self._limit

    def _has_exited(self) -> bool:
        # Not reaped yet: until then its number, which names the group as well, is not given to another process.
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def end(self) -> Ended:
        """Kill what is left of the group and return what there is to know."""
        self.messages()
        exited, seconds = self._has_exited(), self.seconds()
        self.send_signal(signal.SIGKILL)
        code = self._process.wait()
        known = 0 if self._result else code if exited else None
        ended = Ended(known, _all(self._out), _all(self._errors), seconds, self._result and self._result.value)
        self._close()
        return ended

    def send_signal(self, number: int) -> None:
        """Signal the whole group; allowed until the process is reaped."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def wait_until(self, time_: float) -> None:
        while not self._has_exited() and time.monotonic() < time_:
            time.sleep(_LOOK_SECONDS / 5)


def _patience() -> float:
    """Return STOP_SECONDS, halved for each task that this process is in: its own have to be gone before it is."""
    return STOP_SECONDS / 2.0 ** _depth()


def _depth() -> int:
    return int(os.environ.get(_DEPTH, "0"))


def _stop(running: Collection[_Process]) -> None:
    """Let the tasks clean up for a moment, then kill their groups."""
    for each in running:
        each.send_signal(signal.SIGTERM)
    until = time.monotonic() + _patience()
    for each in running:
        each.wait_until(until)
        each.end()


def output(
    command: Sequence[str], cwd: Path, tick: Callable[[], None] = lambda: None
) -> subprocess.CompletedProcess[str]:
    """Run a program in a process group of its own and capture its output; an exception kills the whole group.

    `tick` is called several times a second.
    """
    started: list[subprocess.Popen[str]] = []
    try:
        with blocked():  # a signal between the start and the note of it would leave a process behind
            started.append(
                subprocess.Popen(
                    command,
                    cwd=cwd,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    errors="replace",
                    process_group=0,
                )
            )
        while True:
            tick()
            with suppress(subprocess.TimeoutExpired):
                out, errors = started[0].communicate(timeout=_TICK_SECONDS)
                break
        return subprocess.CompletedProcess(command, started[0].returncode, out, errors)
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()


def _all(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def _environment(path: Sequence[Path], folder: Path) -> Mapping[str, str]:
    """Return an environment with the same modules, a fixed hash seed, and `folder` for temporary files."""
    found = [*map(str, path), *(each or str(Path.cwd()) for each in sys.path)]
    # No PYTHONOPTIMIZE: where this process has assertions because it was started with -E, a task has them, too.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONOPTIMIZE"}
    fixed = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(folder), _DEPTH: str(_depth() + 1)}
    return {**kept, **fixed, "PYTHONPATH": os.pathsep.join(found)}
