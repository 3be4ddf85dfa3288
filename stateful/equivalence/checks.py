"""Agreement of device and specification, in decisions and in the reading of texts, as a job."""

from spec.prove.crosshair_run import confirm
from stateful.equivalence.parsers import PAIRS, differences
from stateful.jobs.runner import JobResult, Report


def equivalence(report: Report) -> JobResult:
    """Confirm that the decisions of the implementation are those of the specification, and read short texts twice."""
    report("confirming")
    modules = ["stateful.equivalence.decisions", "stateful.equivalence.slots"]
    verdicts = confirm(modules, lambda found: report(f"{len(found)} more conditions"))
    good = sum(verdict.good for verdict in verdicts)
    readers = [next(differences(pair), "") for pair in PAIRS]
    what = (
        f"{good} of {len(verdicts)} decisions confirmed over all paths to be the specification's; "
        f"{readers.count('')} of {len(PAIRS)} readers of texts read every short one as the kernel does"
    )
    problems = [*(v.problem for v in verdicts if not v.good), *filter(None, readers)]
    return JobResult(bool(verdicts) and not problems, what, "\n".join(problems))
