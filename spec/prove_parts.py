"""Which conditions a run proves: by which prover, on devices of which sizes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from spec.prove_conditions import Sizes, admitted
from spec.prove_contracts import contracts, module
from spec.prove_crosshair import imported, plan, written
from spec.prove_lifted import DEVICE, conditions
from spec.prove_processes import Ended, Job
from spec.prove_verdict import Verdict
from spec.prove_witness import AS_A_STEP

Names = tuple[str, ...]

_BASE: Final = Sizes(3, 2, 2)
_READERS: Final = Sizes(2, 2, 2, readers=1)
_LARGER: Final = Sizes(4, 3, 2)

# By prover and sizes, the contracts or actions it is about; none named are all.
Choice = Mapping[str, Mapping[Sizes, Names]]

_DECISIVE: Final = ("reap", f"reap{AS_A_STEP}", "submit", "drop_held", "endio_queue", "device_error", "write")
QUICK: Final[Choice] = {"CrossHair": {_BASE: _DECISIVE}, "z3": {_BASE: (), _READERS: (), _LARGER: ()}}
_EVERY_SIZE: Final[Mapping[Sizes, Names]] = {_BASE: (), _READERS: (), _BASE._replace(readers=1): (), _LARGER: ()}
FULL: Final[Choice] = {"CrossHair": _EVERY_SIZE, "z3": _EVERY_SIZE}
_LARGE: Final[Mapping[Sizes, Names]] = {**_EVERY_SIZE, _LARGER._replace(readers=1): ()}
# CrossHair does not confirm some actions of a device this large.
NIGHTLY: Final[Choice] = {"CrossHair": _LARGE, "z3": {**_LARGE, Sizes(8, 4, 4, readers=1): ()}}

_NAMES_A_JOB: Final = 15


class Part(NamedTuple):
    """A row of the table: what one prover proves of devices of one size."""

    layer: str
    prover: str
    device: str
    jobs: tuple[Job, ...]
    left_out: int = 0
    """Conditions that there are and this run does not prove."""


def parts(choice: Choice, directory: Path) -> list[Part]:
    """Return what a run consists of; modules of contracts are written into `directory`."""
    chosen = [(prover, sizes, names) for prover, each in choice.items() for sizes, names in each.items()]
    return [_PROVERS[prover](sizes, names, directory) for prover, sizes, names in chosen]


def parts_of(modules: Sequence[str], directory: Path) -> list[Part]:
    """Return what it is to confirm the contracts in modules.

    Raises:
        ImportError, SyntaxError, ValueError: There is no such module, or nothing to confirm in it.
    """
    return [Part("", "CrossHair", name, tuple(plan(imported(name), directory))) for name in modules]


def _by_crosshair(sizes: Sizes, names: Names, directory: Path) -> Part:
    name = "contracts_" + "_".join(map(str, sizes))
    mine = written(name, module(sizes), directory, f"CrossHair {sizes.label()}")
    jobs = plan(mine, directory, only=names)
    left_out = len(contracts(mine.source)) - sum(len(job.conditions) for job in jobs)
    return Part("L2", "CrossHair", sizes.label(), tuple(jobs), left_out)


def _by_z3(sizes: Sizes, names: Names, _directory: Path) -> Part:
    chosen = names or (DEVICE, *[action.name for action in admitted(sizes)])
    batches = [chosen[first : first + _NAMES_A_JOB] for first in range(0, len(chosen), _NAMES_A_JOB)]
    return Part("L2", "z3", sizes.label(), tuple(_z3_job(sizes, batch) for batch in batches))


def _z3_job(sizes: Sizes, names: Names) -> Job:
    expected = tuple(conditions(sizes, names))
    return Job(
        part=f"z3 {sizes.label()}",
        conditions=expected,
        arguments=("-m", "spec.prove_lifted", "/".join(map(str, sizes)), *names),
        path=(),
        seconds=60 + len(expected),
        read=partial(_read, expected),
    )


def _read(expected: Sequence[str], ended: Ended) -> list[Verdict]:
    """Return the verdicts written by `spec.prove_lifted`; what it did not come to has none but this."""
    written = list(_verdicts(ended.out)) if ended.code == 0 else []
    missing = Verdict("", ended.last_words(), ended.last_words())
    by_name = {verdict.condition: verdict for verdict in written}
    return [by_name.get(condition, missing._replace(condition=condition)) for condition in expected]


def _verdicts(text: str) -> Iterator[Verdict]:
    for line in text.splitlines():
        yield Verdict(**json.loads(line))


_PROVERS: Final = {"CrossHair": _by_crosshair, "z3": _by_z3}
