"""Proof jobs: each comes back with its verdicts and its time."""

from functools import partial

from spec.processes.runner import Ended, ProcessTask
from spec.prove.jobs import ProofJob, run
from spec.prove.verdict import ProofVerdict
from tests.spec.processes import trial_tasks


def test_verdicts_come_with_their_job() -> None:
    def read(ended: Ended) -> list[ProofVerdict]:
        return [ProofVerdict("it", str(ended.result), "")]

    jobs = [ProofJob(str(n), ("it",), ProcessTask(partial(trial_tasks.double, n)), read) for n in range(3)]
    found: dict[str, str] = {}
    seconds: list[float] = []

    def ended(job: ProofJob, verdicts: list[ProofVerdict], took: float) -> None:
        found[job.part] = verdicts[0].said
        seconds.append(took)

    run(jobs, ended)
    assert found == {"0": "0", "1": "2", "2": "4"}
    assert min(seconds) > 0
