"""Runs provers as programs, a few at a time; whatever happens, none is left behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, NamedTuple

from spec.processes.interrupts import SIGNALS
from spec.prove.verdict import Verdict

ROOT: Final = Path(__file__).resolve().parents[2]
_POLL: Final = 0.02


class Ended(NamedTuple):
    """A program that has ended."""

    code: int | None
    """None when it was stopped because it took too long."""
    out: str
    errors: str
    seconds: float

    def last_words(self) -> str:
        """Return how it ended, for when that was too early."""
        said = (self.errors or self.out).strip().splitlines()
        how = f"stopped after {self.seconds:.0f} s" if self.code is None else f"exit code {self.code}"
        return "\n".join([f"no answer: {how}", *said[-3:]])


class Job(NamedTuple):
    """Some conditions for one program."""

    part: str
    """What it is a part of."""
    conditions: tuple[str, ...]
    arguments: tuple[str, ...]
    """For this interpreter."""
    path: tuple[Path, ...]
    """Where modules are looked for first."""
    seconds: float
    """After so many on the wall clock it is stopped."""
    read: Callable[[Ended], list[Verdict]]


def run(jobs: Sequence[Job], ended: Callable[[Job, list[Verdict], float], None], processes: int = 2) -> None:
    """Run `jobs` in their order, `processes` at a time, and say of each what came of it and how long it took."""
    waiting = list(jobs)
    running: list[_Running] = []
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                _start(waiting.pop(0), running)
            for each in [each for each in running if each.is_over()]:
                came = each.end()
                running.remove(each)
                ended(each.job, each.job.read(came), came.seconds)
            time.sleep(_POLL)
    finally:
        with _undisturbed():
            for each in running:
                each.stop()


class _Running:
    """A program under way, with whatever it starts."""

    def __init__(self, job: Job) -> None:
        self.job = job
        # Files rather than pipes, which would have to be emptied all the time. `stop` closes them.
        self._out: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._errors: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._began = time.monotonic()
        # In a group of its own: Ctrl-C is for this process to answer, and the whole group can be stopped.
        self._process = subprocess.Popen(
            [sys.executable, *job.arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._errors,
            env=_environment(job.path),
            process_group=0,
        )

    def is_over(self) -> bool:
        return self._process.poll() is not None or time.monotonic() - self._began > self.job.seconds

    def end(self) -> Ended:
        """Stop it if it is not over, and return what it said."""
        code = self._process.poll()
        self._kill()
        ended = Ended(code, _all(self._out), _all(self._errors), time.monotonic() - self._began)
        self.stop()
        return ended

    def stop(self) -> None:
        """Leave nothing of it."""
        self._kill()
        self._out.close()
        self._errors.close()

    def _kill(self) -> None:
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def _start(job: Job, running: list[_Running]) -> None:
    with _undisturbed():  # a signal between the start and the note of it would leave a process behind
        running.append(_Running(job))


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let requests to end wait."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _all(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def _environment(path: tuple[Path, ...]) -> Mapping[str, str]:
    """Return an environment in which a prover finds the same modules, and takes the same decisions every time."""
    found = os.pathsep.join(filter(None, [*map(str, path), str(ROOT), os.environ.get("PYTHONPATH", "")]))
    # No PYTHONOPTIMIZE: where this process has assertions because it was started with -E, a prover has them, too.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONOPTIMIZE"}
    return {**kept, "PYTHONPATH": found, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}


def at_least_one(text: str) -> int:
    """Read a number of programs, or of anything else there has to be one of, from the command line."""
    if not text.isascii() or not text.isdigit() or not int(text):
        raise ArgumentTypeError(f"{text} is not a whole number from 1 on")
    return int(text)
