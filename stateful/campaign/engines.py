"""Engines run chunks: in processes of this machine, or on the workers of a Dask scheduler."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final, NamedTuple, Protocol

from spec.processes import runner
from spec.processes.entry import raise_again
from spec.processes.runner import Ended, ProcessTask, Send
from stateful.campaign.chunk import Chunk, run_chunk

GRACE_SECONDS: Final = 120.0
"""Seconds that the last seed of a chunk may take beyond the chunk's: then it hangs."""


class Dealings(NamedTuple):
    """The questions of an engine to its campaign, always from one thread."""

    next: Callable[[], Chunk | None]
    """The next chunk; None: nothing is left, unless a chunk under way ends early."""
    heard: Callable[[str], None]
    """A line of a worker."""
    ended: Callable[[Chunk, str], None]
    """A chunk has ended; the last words of its worker if that died, "" otherwise."""
    refused: Callable[[str], None]
    """A worker refuses, for this reason; it raises."""
    tick: Callable[[Mapping[Chunk, float]], None]
    """Called several times a second with the chunks under way and the seconds they have taken."""


class ChunkEngine(Protocol):
    """Something that runs chunks."""

    @property
    @abstractmethod
    def dashboard(self) -> str:
        """Address to look at it, in words."""

    @abstractmethod
    def run(self, dealings: Dealings) -> None:
        """Run chunks until nothing is left and nothing is under way.

        Raises:
            Interrupted: By a signal; no process is left.
        """


class LocalEngine:
    """Processes of this machine, one for each chunk."""

    dashboard = "no dashboard: processes of this machine"

    def __init__(self, workers: int, grace: float = GRACE_SECONDS) -> None:
        self._workers, self._grace = workers, grace

    def run(self, dealings: Dealings) -> None:
        """Run chunks until nothing is left."""
        chunks = list[Chunk]()

        def tasks(first: Chunk) -> Iterator[ProcessTask]:
            chunk: Chunk | None = first
            while chunk is not None:
                chunks.append(chunk)
                yield ProcessTask(partial(worker, chunk), chunk.seconds + self._grace)
                chunk = dealings.next()

        # The supply of a run ends where everything is under way; a worker that dies may leave more to do.
        while (chunk := dealings.next()) is not None:
            chunks.clear()
            runner.run(
                tasks(chunk),
                lambda index, task: end(dealings, chunks[index], *answer(task)),
                lambda _index, message: dealings.heard(str(message)),
                lambda running: dealings.tick({chunks[index]: seconds for index, seconds in running.items()}),
                self._workers,
            )


def worker(chunk: Chunk, send: Send) -> str:
    """Do a chunk, as the task of a process."""
    raise_again()
    return run_chunk(chunk, send)


def end(dealings: Dealings, chunk: Chunk, refusal: str | None, words: str) -> None:
    """Pass on how a process ended: refusal is what it returned, None if it died with some last words."""
    if refusal:
        dealings.refused(refusal)
    dealings.ended(chunk, words if refusal is None else "")


def answer(task: Ended) -> tuple[str | None, str]:
    """Return the refusal of a process, None if it died, and its last words."""
    return (str(task.result), "") if isinstance(task.result, str) else (None, task.last_words())
