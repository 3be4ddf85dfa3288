"""The jobs of `check`: one function each, which reports in one line.

Each lies beside what it checks, in a module that imports no more than that: its process has to do so first.
"""

from functools import partial
from typing import Final

from stateful.bugs import checks as of_bugs
from stateful.conformance.job import independence, recordings
from stateful.equivalence import checks as of_equivalence
from stateful.jobs import explored, proved
from stateful.jobs.runner import Job
from stateful.lockstep import checks as of_lockstep
from stateful.pairs import checks as of_pairs
from stateful.schedules import checks as of_schedules
from stateful.stress import checks as of_stress

JOBS: Final = (
    Job("explore base", partial(explored.explore, "base")),
    Job("proofs", proved.proofs),
    Job("all sizes", proved.all_sizes),
    Job("equivalence", of_equivalence.equivalence),
    Job("stateful", of_lockstep.stateful),
    Job("schedules", of_schedules.schedules),
    Job("schedule bugs", of_bugs.every_schedule_bug),
    Job("guards", of_pairs.guards),
    Job("threads", of_stress.real_threads),
    Job("traces", of_stress.trace),
    Job("recordings", recordings),
    Job("metamorphic", independence),
    Job("explore readers", partial(explored.explore, "readers")),
    Job("explore limits", partial(explored.explore, "limits")),
    Job("explore flags", partial(explored.explore, "flags")),
    Job("explore kept", partial(explored.explore, "kept")),
    Job("seeded bugs", of_bugs.every_machine_bug),
)
WORTH_SEEING: Final = ("seeded bugs",)
"""Jobs whose details are shown even when they passed."""
