"""Several checks at a time, each in a process of its own, with live progress, one table at the end, and no traces.

A job is a function of this project that gets a callable to report with and returns a `Verdict`. It may take threads,
files and child processes as it likes, as long as it lets them go when it is interrupted: a job that is told to stop
gets a KeyboardInterrupt, as at a terminal.
"""

import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.console import Console
from rich.live import Live
from rich.table import Table

if TYPE_CHECKING:
    _Pipe = Connection[object, object]

PLAIN_SECONDS: Final = 5.0
"""How often a run that is not at a terminal says how far it is."""
STOP_SECONDS: Final = 0.7
"""How long a job may take to let go before it is killed."""


class Verdict(NamedTuple):
    """What a job found."""

    good: bool
    what: str
    """One line for the table."""
    details: str = ""
    """What is wrong, in full, or what is worth seeing anyway."""


Report = Callable[[str], None]


class Job(NamedTuple):
    """A check; `run` must be a function at the top of a module."""

    name: str
    run: Callable[[Report], Verdict]


class Done(NamedTuple):
    """A job that ended."""

    job: Job
    verdict: Verdict
    seconds: float


class _Running:
    def __init__(self, job: Job) -> None:
        self.job = job
        self.began = time.perf_counter()
        self.said = ""
        here, there = multiprocessing.Pipe(duplex=False)
        self.pipe: _Pipe = here
        # a fresh interpreter: a copy of this process would have copies of locks that threads hold
        self.process = multiprocessing.get_context("spawn").Process(target=_work, args=(job, there, os.getpid()))
        # Ctrl-C reaches every process of a terminal; only this one is to answer it, so the child starts with it blocked
        resource_tracker.ensure_running()
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        there.close()

    def seconds(self) -> float:
        return time.perf_counter() - self.began

    def receive(self) -> Verdict | None:
        try:
            said = self.pipe.recv()
        except EOFError:
            self.process.join()
            return Verdict(good=False, what=f"died with exit code {self.process.exitcode}")
        if isinstance(said, str):
            self.said = said
            return None
        assert isinstance(said, Verdict), "a job says how far it is, or its verdict"
        return said

    def stop(self) -> None:
        self.process.terminate()
        self.process.join(STOP_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.pipe.close()


def run(jobs: Sequence[Job], console: Console, processes: int = 2) -> list[Done]:
    """Run all `jobs`, in their order, `processes` at a time; draw them, and return how each ended.

    Raises:
        KeyboardInterrupt: As it comes; no process, thread or file is left behind.
    """
    waiting, running, done = list(jobs), dict[Connection, _Running](), list[Done]()  # type: ignore[type-arg]  # any pipe
    last = time.perf_counter()
    with Live(console=console, refresh_per_second=8, transient=True, redirect_stderr=False) as live:
        try:
            while waiting or running:
                while waiting and len(running) < processes:
                    each = _Running(waiting.pop(0))
                    running[each.pipe] = each
                for pipe in connection.wait(list(running), timeout=0.2):
                    assert isinstance(pipe, Connection), "there are no other things to wait for"
                    verdict = running[pipe].receive()
                    if verdict is not None:
                        each = running.pop(pipe)
                        each.stop()
                        done.append(Done(each.job, verdict, each.seconds()))
                        _say(console, f"{'ok' if verdict.good else 'WRONG':5} {each.job.name}: {verdict.what}")
                live.update(_drawn(running.values()))
                if not console.is_terminal and time.perf_counter() - last > PLAIN_SECONDS:
                    last = time.perf_counter()
                    for each in running.values():
                        _say(console, f"...   {each.job.name}: {each.said}")
        finally:
            for each in running.values():
                each.process.terminate()
            for each in running.values():
                each.stop()
    return sorted(done, key=lambda each: jobs.index(each.job))


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _drawn(running: "Sequence[_Running] | object") -> Table:
    table = Table.grid(padding=(0, 2))
    assert hasattr(running, "__iter__"), "what runs can be listed"
    for each in running:
        table.add_row(f"[cyan]{each.job.name}[/]", f"{each.seconds():4.0f} s", each.said)
    return table


def table(done: Sequence[Done]) -> Table:
    """Return one row per job."""
    drawn = Table(title=None)
    drawn.add_column("check")
    drawn.add_column("result")
    drawn.add_column("what", overflow="fold")
    drawn.add_column("seconds", justify="right")
    for each in done:
        word = "[green]ok[/]" if each.verdict.good else "[red]WRONG[/]"
        drawn.add_row(each.job.name, word, each.verdict.what, f"{each.seconds:.1f}")
    return drawn


def _work(job: Job, pipe: "_Pipe", parent: int) -> None:
    """Run a job in its own process."""

    def interrupted(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupted)
    last = 0.0

    def report(text: str) -> None:
        nonlocal last
        if os.getppid() != parent:
            raise KeyboardInterrupt  # whoever asked is gone
        if time.perf_counter() - last > 0.1:
            last = time.perf_counter()
            pipe.send(text)

    try:
        try:
            verdict = job.run(report)
        except Exception:  # noqa: BLE001  (a check that crashes is a finding, not the end of the others)
            verdict = Verdict(good=False, what="crashed", details=traceback.format_exc())
        pipe.send(verdict)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(1)
