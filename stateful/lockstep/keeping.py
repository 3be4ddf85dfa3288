"""A keeper under test: its task one step at a time, its passes, and what it promises of them.

It promises more than the specification asks of a pass: the pages that were not used for longest go first, and its
metrics are the sum of its passes.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from stateful.lockstep.stepped_runtime import ROOM
from stateful.lockstep.stepped_thread import SteppedThread
from zram_impl import WritebackResult
from zram_impl.policy.keeper import Keeper
from zram_impl.policy.protocol import MemoryUse, Plan
from zram_impl.table.entries import IN_MEMORY, Entry

PATIENCE: Final = 1.0
"""Seconds that a writer waits: some steps of the keeper."""
ENGINE: Final = "engine"
"""The stop of a keeper whose pass waits for the backing device."""


class WhatIsIdle:
    """A policy of a user's own: write back what is marked idle, nothing else, and say nothing of writers that wait."""

    def plan(self, memory: MemoryUse, /) -> Plan:
        """Return what is to be done now."""
        return Plan(free=memory.used, idle_only=True)


class Keeping:
    """A keeper, and what it has done.

    Attributes:
        coldest_first: Whether its policy writes back whatever was not used for longest, as soon as a writer waits.
        results: Of its passes, in order.
        wrong: Name and sentence of a promise that it broke.
    """

    def __init__(self, keeper: Keeper, task: SteppedThread, used: Sequence[int], *, coldest_first: bool) -> None:
        """Watch a keeper whose task is `task`; `used` says when each page was used, and is kept up to date."""
        self.coldest_first = coldest_first
        self.results: list[WritebackResult] = []
        self.wrong: tuple[str, str] | None = None
        self._keeper, self._task, self._used = keeper, task, used
        self._chosen: list[int] = []
        self._failed: set[int] = set()
        """Pages that it could not write, which it need not try again before all others."""
        self._stopped = False

    @property
    def acts(self) -> bool:
        """Return whether it is the keeper's task that asks."""
        return self._task.is_current

    @property
    def at(self) -> str | None:
        """The stop where it waits."""
        return self._task.at

    def stops(self, where: str) -> bool:
        """Stop, if it is the keeper's task that asks and it has stops; return whether it did."""
        return self._task.is_current and self._task.stop(where)

    def step(self) -> None:
        """Let it continue to where it waits next: for a writer, the device, or somebody else's pass."""
        if not self._task.over:
            self._task.step()

    def stop(self) -> None:
        """End it."""
        self._stopped = True
        self._keeper.stop()

    def notice(self, kind: str, args: Sequence[int], entries: Sequence[Entry]) -> None:
        """Take notice of a step of one of its passes."""
        if kind == "begin_pass":
            self._chosen = []
        elif kind == "scan":
            self._chosen.append(args[0])
        elif kind == "end_scan" and self.coldest_first:
            self._check_coldest(entries)
        elif kind == "end_pass":
            self._failed |= {index for index, _errno in self.results[-1].errors}

    def _check_coldest(self, entries: Sequence[Entry]) -> None:
        taken = max((self._used[page] for page in self._chosen), default=0)
        for page, entry in enumerate(entries):
            waits = isinstance(entry, IN_MEMORY) and page not in self._chosen and page not in self._failed
            if waits and self._used[page] < taken:
                self.wrong = "the_coldest_go_first", f"page {page} stays, pages {self._chosen} were used later and go"

    def findings(self) -> Iterator[tuple[str, str]]:
        """Yield what is wrong, between two steps of anybody."""
        if self.wrong is not None:
            yield self.wrong
        if self._keeper.running is self._stopped:
            yield "a_keeper_runs_until_it_is_stopped", f"{self._keeper} was {'' if self._stopped else 'not '}stopped"
        metrics = self._keeper.metrics
        if self._task.at == ROOM and metrics.writers.waiting:
            yield "nobody_waits_at_rest", f"{metrics.writers.waiting} writers wait"
        found = (metrics.rounds, metrics.written, metrics.lost, metrics.failed)
        sums = [sum(getattr(result, name) for result in self.results) for name in ("written", "lost", "failed")]
        if self._task.at == ROOM and found != (len(self.results), *sums):
            yield "metrics_are_the_sum_of_the_passes", f"{found} is shown, the passes are {self.results}"
