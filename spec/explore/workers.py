"""Several walks at a time, each in a process of its own."""

import contextlib
import multiprocessing
import signal
from collections.abc import Callable, Mapping
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, NamedTuple

from spec.assertions import require_assertions
from spec.explore.bfs import walk
from spec.explore.result import Outcome
from spec.scope import Scope

if TYPE_CHECKING:
    _Pipe = Connection[object, object]


class Progress(NamedTuple):
    """How far a walk has come."""

    name: str
    depth: int
    states: int
    frontier: int


Report = Callable[[Progress], None]
"""Is told how far the walks have come, several times a second."""


class WalkDied(Exception):  # noqa: N818  (it says what happened)
    """A process ended without having said what it found; most often it needed more memory than there is."""


def walk_each(
    scopes: Mapping[str, Scope], progress: Report | None = None, processes: int = 2, *, symmetry: bool = False
) -> list[Outcome]:
    """Walk all of `scopes`, some at a time, in their order.

    With `symmetry`, states that differ only in numbers are visited once. Whatever happens, no process is left behind.

    Raises:
        WalkDied: A walk ended without an outcome.
    """
    waiting = list(scopes.items())
    running: dict[_Pipe, _Running] = {}
    outcomes: dict[str, Outcome] = {}
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                _start(*waiting.pop(0), running, symmetry=symmetry)
            for pipe in connection.wait(list(running)):
                assert isinstance(pipe, Connection), "there are no other things to wait for"
                said = _receive(pipe, running[pipe])
                if isinstance(said, Outcome):
                    outcomes[running[pipe].name] = said
                    running.pop(pipe).process.join()
                    pipe.close()
                elif progress:
                    progress(said)
    finally:
        for pipe, each in running.items():
            each.process.terminate()
            each.process.join()
            pipe.close()
    return [outcomes[name] for name in scopes]


class _Running(NamedTuple):
    name: str
    process: multiprocessing.process.BaseProcess


def _start(name: str, scope: Scope, running: "dict[_Pipe, _Running]", *, symmetry: bool) -> None:
    here, there = multiprocessing.Pipe(duplex=False)
    # a fresh interpreter: a copy of this process would have copies of locks that threads hold
    process = multiprocessing.get_context("spawn").Process(
        target=_work, args=(name, scope, there), kwargs={"symmetry": symmetry}, daemon=True
    )
    # Ctrl-C reaches every process of a terminal: only this one is to answer it, and a blocked signal stays blocked in
    # a child, while here it arrives as soon as it is unblocked. (The first child would start the tracker, and with it
    # unblock the signal too early.)
    resource_tracker.ensure_running()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
        running[here] = _Running(name, process)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    there.close()


def _receive(pipe: "_Pipe", sender: _Running) -> Progress | Outcome:
    try:
        said = pipe.recv()
    except EOFError:
        sender.process.join()
        message = f"the process that walked {sender.name} ended with exit code {sender.process.exitcode}"
        raise WalkDied(message) from None
    assert isinstance(said, Progress | Outcome), "this is what a walk sends"
    return said


def _work(name: str, scope: Scope, pipe: "_Pipe", *, symmetry: bool = False) -> None:
    """Walk in the new process; if whoever asked is gone, so is the reason to go on."""
    require_assertions()  # which the environment decides anew for each process

    def report(depth: int, states: int, frontier: int) -> None:
        pipe.send(Progress(name, depth, states, frontier))

    with contextlib.suppress(BrokenPipeError):
        pipe.send(walk(scope, progress=report, symmetry=symmetry))
