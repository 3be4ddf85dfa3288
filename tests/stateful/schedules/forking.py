"""Children forked at every scheduling point of the scenarios that are named on standard input, a line each.

In a process of its own (`python -m tests.stateful.schedules.forking`): a fork of one that has run many tests takes ten
times as long. In one for all of them: to start it takes as long as most scenarios do.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence

from spec.assertions import require_assertions
from stateful.common.recount import both_counts
from stateful.schedules import policies
from stateful.schedules.harness import Harness
from stateful.schedules.program import PAGES, TaskProgram
from stateful.schedules.scenarios import SCENARIOS
from stateful.schedules.scheduler import Policy
from zram_impl import PAGE_SIZE
from zram_impl.table.slot_table import OWNED, PP_SLOT

SECONDS = 10


class Forking(Harness):
    """A stage that forks a child before every choice; in the child its device is looked at."""

    def __init__(self, what: TaskProgram, policy: Policy) -> None:
        self.children: list[int] = []
        self._policy = policy
        super().__init__(what, self._choose)

    def _choose(self, ready: Sequence[int], can_run: bool) -> int:
        # Who forks waits for the two locks: a choice where somebody has them is not where a fork happens.
        if all(lock.owner is None for lock in (self.device._life.control, self.device._life.table)):  # type: ignore[attr-defined]  # of one of several types
            sys.stdout.flush()
            child = os.fork()
            if not child:
                self._live_and_die()
            self.children.append(child)
        return self._policy(ready, can_run)

    def _live_and_die(self) -> None:
        code = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(SECONDS)
            self._look()
            code = 0
        except BaseException as error:  # reported to the parent, which runs the test
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)

    def _look(self) -> None:
        runtime, dev = self.runtime, self.device
        runtime.current, runtime.steady, dev._life.configuration.observer = None, True, None
        passes = dev._life.passes
        if passes is None:
            return
        passes.pages._observer = None
        assert passes.running is None, "the child has no pass"
        assert not any(flags & (OWNED | PP_SLOT) for flags in passes.pages.table.flags), "claims are forgotten"
        had, counted = both_counts(dev)
        assert had == counted, "statistics equal a recount"
        self.blocks.heal()
        for page in range(PAGES):
            dev.read_page(page)
        dev.write_page(0, os.urandom(PAGE_SIZE))
        dev.compact()
        had, counted = both_counts(dev)
        assert had == counted, "statistics equal a recount"
        dev.discard(0, PAGES * PAGE_SIZE)
        assert dev.stats.bd.bd_count == 0, "blocks of the pass are forgotten"
        dev.reset()
        assert dev.pages == 0, "it can be reset"

    def outcomes(self) -> set[int]:
        """Ends of the children."""
        return {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in self.children}


def forked(name: str) -> list[tuple[list[int], int]]:
    """Return, for a steady schedule and a random one, how the children ended and how many there were."""
    found = []
    for policy in (policies.steady, policies.random_walk(1)):
        stage = Forking(SCENARIOS[name], policy)
        stage.run()
        found.append((sorted(stage.outcomes()), len(stage.children)))
    return found


if __name__ == "__main__":
    require_assertions()
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(forked(line.strip()))}\n")
        sys.stdout.flush()
