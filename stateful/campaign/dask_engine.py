"""Chunks on the workers of a Dask scheduler: one that is named, or one of this machine with its own workers.

A worker runs each chunk in a process of its own, as `LocalEngine` does, so that signals, threads and crashes of a
device are no matter to Dask. What a seed did is passed on at once, as an event, and with the result once more.
"""

import time
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final

import dask
from distributed import Client, Future, LocalCluster, get_worker

from spec.processes import runner
from spec.processes.interrupts import Interrupted, noted
from spec.processes.runner import Ended, ProcessTask
from stateful.campaign.chunk import Chunk
from stateful.campaign.engines import GRACE_SECONDS, Dealings, answer, end, worker
from stateful.campaign.journal import CampaignError

TOPIC: Final = "stateful-campaign"
CONNECT_SECONDS: Final = 15
LOOK_SECONDS: Final = 0.1
COUNT_SECONDS: Final = 1.0
"""Seconds between counts of the workers: they come and go."""
SILENT: Final = 50
"""The level of logging.CRITICAL."""

Answer = tuple[str | None, str, list[str]]
"""As `engines.answer`, and the lines of all seeds."""


class DaskEngine:
    """A scheduler and its workers."""

    def __init__(self, address: str | None, workers: int) -> None:
        self._address = address or "of this machine"
        self._cluster: LocalCluster | None = None
        # The campaign counts the deaths, and tries a seed alone after the first.
        with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
            if address is None:
                self._cluster = LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address="127.0.0.1:0",
                    silence_logs=SILENT,
                )
        try:
            self._client = Client(address or self._cluster, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            why = str(error).partition("\n")[0]
            raise CampaignError(f"--scheduler must be the address of a running one, got {address}: {why}") from error
        self._capacity, self._counted = 0, 0.0
        self._events = SimpleQueue["Future[Answer] | str"]()
        self._running = dict["Future[Answer]", tuple[Chunk, float]]()

    @property
    def dashboard(self) -> str:
        """Address to look at it."""
        return f"dashboard: {self._client.dashboard_link}"

    def run(self, dealings: Dealings) -> None:
        """Run chunks until nothing is left and nothing is under way."""
        self._client.subscribe_topic(TOPIC, lambda event: self._events.put(event[1]))
        # Signals are noted and looked for between the dealings, as `runner` does.
        with noted() as interrupt:
            try:
                while not interrupt() and self._submit(dealings):
                    self._deal(dealings)
            finally:
                for future in self._running:
                    future.cancel()
            if number := interrupt():
                raise Interrupted(number)

    def _submit(self, dealings: Dealings) -> bool:
        """Submit chunks, one for each idle worker; return whether any is under way."""
        while len(self._running) < self._workers() and (chunk := dealings.next()) is not None:
            future = self._client.submit(in_worker, chunk, pure=False)
            self._running[future] = chunk, time.monotonic()
            future.add_done_callback(self._events.put)
        return bool(self._running)

    def _workers(self) -> int:
        if time.monotonic() > self._counted + COUNT_SECONDS:
            self._counted = time.monotonic()
            try:
                self._capacity = max(1, sum(self._client.nthreads().values()))
            except OSError as error:
                raise self._gone() from error
        return self._capacity

    def _deal(self, dealings: Dealings) -> None:
        """Take what has come in, or wait a moment for something."""
        dealings.tick({chunk: time.monotonic() - began for chunk, began in self._running.values()})
        try:
            event = self._events.get(timeout=LOOK_SECONDS)
        except Empty:
            return
        if isinstance(event, str):
            dealings.heard(event)
            return
        chunk, _began = self._running.pop(event)
        if event.status == "cancelled" or self._client.status != "running":
            raise self._gone()
        error = event.exception()
        if error is not None:
            end(dealings, chunk, None, f"{type(error).__name__}: {error}")
            return
        refusal, words, lines = event.result()
        for line in lines:
            dealings.heard(line)
        end(dealings, chunk, refusal, words)

    def _gone(self) -> CampaignError:
        return CampaignError(f"the scheduler {self._address} is gone; the same command resumes the campaign")

    def close(self) -> None:
        """Leave the scheduler; end it if it is ours."""
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


def in_worker(chunk: Chunk) -> Answer:
    """Do a chunk in a process of its own, whose end is that of the worker."""
    lines, answers = list[str](), list[tuple[str | None, str]]()

    def received(_index: int, message: object) -> None:
        lines.append(str(message))
        get_worker().log_event(TOPIC, str(message))

    def ended(_index: int, task: Ended) -> None:
        answers.append(answer(task))

    runner.run([ProcessTask(partial(worker, chunk), chunk.seconds + GRACE_SECONDS)], ended, received)
    [(refusal, words)] = answers
    return refusal, words, lines
