"""Running the machines: for a number of examples or for a time, with or without a bug put in."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final, NamedTuple

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.stateful import run_state_machine_as_test

from stateful.common.seldom import seldom_collecting
from stateful.lockstep.divergence import Divergence
from stateful.lockstep.machine import MACHINES, WritebackMachine
from stateful.lockstep.operation_machine import BLACK_BOX, OperationMachine
from stateful.seam.chosen import is_ours

CHUNK: Final = 25
"""Examples between two looks at the clock."""


class Until(NamedTuple):
    """The end of a run of a machine: whichever comes first, and not before the chunk is over."""

    examples: int = 1_000_000
    seconds: float = 1e9
    exact: bool = False
    """No more examples than that, but for a few that Hypothesis plays again; else the last chunk is whole, too."""


AnyMachine = type[WritebackMachine] | type[OperationMachine]


def machines() -> Mapping[str, AnyMachine]:
    """Return the machines that fit the device that is tested, by name."""
    fitting: Sequence[AnyMachine] = MACHINES if is_ours() else BLACK_BOX
    return {machine.__name__: machine for machine in fitting}


class MachineCampaign(NamedTuple):
    """Counts of a machine's runs, and the finding."""

    runs: int
    steps: int
    seconds: float
    taken: frozenset[str]
    """The actions of the specification that were taken."""
    finding: AssertionError | None
    """A Divergence as a rule; an assert of the device's own otherwise."""

    @property
    def found(self) -> str:
        """Name of the property that was found broken, "" for none."""
        if self.finding is None:
            return ""
        return self.finding.name if isinstance(self.finding, Divergence) else f"assert: {self.finding}"


@seldom_collecting()
def run_machine(  # noqa: PLR0913  (all but two by name)
    machine: AnyMachine,
    until: Until,
    *,
    number: int = 0,
    shrink: bool = True,
    report: Callable[[int, int], None] | None = None,
    bug: Callable[[], AbstractContextManager[None]] = nullcontext,
    examples: Path | None = None,
) -> MachineCampaign:
    """Run `machine` until it finds something or it is time to stop; `number` is the seed.

    `report` gets runs and steps so far. `bug` is applied around the whole. Without `shrink` a finding is as it was
    first seen, and `seconds` of the result is the time it took to find. What fails is kept in the folder `examples`,
    and tried first in the next run.
    """
    began = time.perf_counter()
    runs = steps = 0
    taken: set[str] = set()

    class CountedMachine(machine):  # type: ignore[misc, valid-type]  # whichever machine was asked for, counting
        def teardown(self) -> None:
            nonlocal runs, steps
            runs, steps = runs + 1, steps + len(self.both.steps)
            if report is not None:
                report(runs, steps)
            taken.update(step.partition("(")[0] for step in self.both.steps)
            super().teardown()

    kept = None if examples is None else DirectoryBasedExampleDatabase(examples)
    phases = (Phase.reuse, Phase.generate, *((Phase.shrink,) if shrink else ()))
    finding: AssertionError | None = None
    with bug():
        while finding is None and runs < until.examples and time.perf_counter() - began < until.seconds:
            how = settings(
                settings.get_profile("default"), stateful_step_count=50, deadline=None, database=kept, phases=phases,
                max_examples=min(CHUNK, until.examples - runs) if until.exact else CHUNK, print_blob=False,
                derandomize=False, report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            try:
                run_state_machine_as_test(seed(number)(CountedMachine), settings=how)
            except AssertionError as error:
                finding = error
            number += 1
    return MachineCampaign(runs, steps, time.perf_counter() - began, frozenset(taken), finding)
