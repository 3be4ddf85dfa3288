"""The conditions that a run proves: by which prover, on devices of which sizes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from spec.processes.runner import Ended, ProcessTask, Send
from spec.prove import index_symmetry, z3_proof
from spec.prove.counterexample import AS_A_STEP
from spec.prove.crosshair_contracts import contracts, module
from spec.prove.crosshair_run import imported, plan, written
from spec.prove.jobs import ProofJob
from spec.prove.obligations import Sizes, admitted
from spec.prove.unbounded import job as any_size
from spec.prove.unbounded.fixed import SIZES
from spec.prove.verdict import ProofVerdict
from spec.prove.z3_proof import DEVICE

Names = tuple[str, ...]
Which = Mapping[Sizes, Names]
"""By sizes, the contracts or actions it is about; none named are all."""

# By what is asked: contracts, the text itself, the text under other numbers, the text for any size (by the sizes at
# which it is compared with the text itself).
Choice = Mapping[str, Which]

_BASE: Final = Sizes(3, 2, 2)
_READERS: Final = Sizes(2, 2, 2, readers=1)
_LARGER: Final = Sizes(4, 3, 2)

_DECISIVE: Final = ("reap", f"reap{AS_A_STEP}", "submit", "drop_held", "endio_queue", "device_error", "write")
_ANY_SIZE: Final[Which] = dict.fromkeys(SIZES, ())
QUICK_AT_FIXED_SIZES: Final[Choice] = {"CrossHair": {_BASE: _DECISIVE}, "z3": {_BASE: (), _READERS: ()}}
QUICK: Final[Choice] = {**QUICK_AT_FIXED_SIZES, "any size": _ANY_SIZE}
_EVERY_SIZE: Final[Which] = {_BASE: (), _READERS: (), _BASE._replace(readers=1): (), _LARGER: ()}
_OTHER_NUMBERS: Final[Which] = {_BASE._replace(readers=2): (), _LARGER._replace(readers=1): ()}
FULL: Final[Choice] = {
    "CrossHair": _EVERY_SIZE,
    "z3": _EVERY_SIZE,
    "other numbers": _OTHER_NUMBERS,
    "any size": _ANY_SIZE,
}
_LARGE: Final[Which] = {**_EVERY_SIZE, _LARGER._replace(readers=1): ()}
# CrossHair does not confirm some actions of a device this large.
NIGHTLY: Final[Choice] = {
    "CrossHair": _LARGE,
    "z3": {**_LARGE, Sizes(8, 4, 4, readers=1): ()},
    "other numbers": {**_OTHER_NUMBERS, Sizes(5, 4, 3, readers=2): ()},
    "any size": _ANY_SIZE,
}

ANY_SIZE: Final = "L3"
"""The layer of what is proved of every size."""

_NAMES_A_JOB: Final = 16


class Part(NamedTuple):
    """A row of the table: what one prover proves of devices of one size."""

    layer: str
    prover: str
    device: str
    jobs: tuple[ProofJob, ...]
    left_out: int = 0
    """Conditions that there are and this run does not prove."""


def parts(choice: Choice, directory: Path) -> list[Part]:
    """Return what a run consists of; modules of contracts are written into `directory`."""
    return [part for asked, which in choice.items() for part in _ASKED[asked](which, directory)]


def parts_of(modules: Sequence[str], directory: Path) -> list[Part]:
    """Return what it is to confirm the contracts in modules.

    Raises:
        ImportError, SyntaxError, ValueError: There is no such module, or nothing to confirm in it.
    """
    return [Part("", "CrossHair", name, tuple(plan(imported(name), directory))) for name in modules]


def _contracts(which: Which, directory: Path) -> Iterator[Part]:
    for sizes, names in which.items():
        name = "contracts_" + "_".join(map(str, sizes))
        mine = written(name, module(sizes), directory, f"CrossHair {sizes.label()}")
        jobs = plan(mine, directory, only=names)
        left_out = len(contracts(mine.source)) - sum(len(job.conditions) for job in jobs)
        yield Part("L2", "CrossHair", sizes.label(), tuple(jobs), left_out)


def _text(which: Which, _directory: Path) -> Iterator[Part]:
    for sizes, names in which.items():
        yield _batched("L2", "", sizes, names)


def _other_numbers(which: Which, _directory: Path) -> Iterator[Part]:
    for sizes, names in which.items():
        yield _batched("L1", ", other numbers", sizes, names)


def _batched(layer: str, how: str, sizes: Sizes, names: Names) -> Part:
    prover = index_symmetry if how else z3_proof
    known = (DEVICE, *[action.name for action in admitted(sizes)])
    if absent := set(names) - set(known):
        raise ValueError(f"{sizes.label()} has no action named {', '.join(sorted(absent))}")
    chosen = names or known
    batches = [chosen[first : first + _NAMES_A_JOB] for first in range(0, len(chosen), _NAMES_A_JOB)]
    label = sizes.label() + how
    prove = prover.prove
    jobs = [_job(label, prover.conditions(sizes, batch), partial(prove, sizes, names=batch)) for batch in batches]
    return Part(layer, "z3", label, tuple(jobs))


def _any_size(which: Which, _directory: Path) -> Iterator[Part]:
    labels = {"any": "any", **{"/".join(map(str, sizes)): f"any, read at {sizes.label()}" for sizes in which}}
    for argument, label in labels.items():
        prove = partial(any_size.prove, argument)
        yield Part(ANY_SIZE, "z3", label, (_job(label, any_size.conditions(argument), prove),))


Prove = Callable[[], Iterator[ProofVerdict]]


def _job(label: str, conditions: Sequence[str], prove: Prove) -> ProofJob:
    return ProofJob(
        part=f"z3 {label}",
        conditions=tuple(conditions),
        task=ProcessTask(partial(_proved, prove), seconds=60 + len(conditions)),
        read=partial(_read, tuple(conditions)),
    )


def _proved(prove: Prove, _send: Send) -> list[ProofVerdict]:
    return list(prove())


def _read(expected: Sequence[str], ended: Ended) -> list[ProofVerdict]:
    """Return a verdict on each condition expected; those that a prover did not answer are not proved."""
    found = ended.result if ended.code == 0 and isinstance(ended.result, list) else []
    by_name = {verdict.condition: verdict for verdict in found}
    silence = ended.last_words()
    return [by_name.get(condition, ProofVerdict(condition, silence, silence)) for condition in expected]


_ASKED: Final[Mapping[str, Callable[[Which, Path], Iterator[Part]]]] = {
    "CrossHair": _contracts,
    "z3": _text,
    "other numbers": _other_numbers,
    "any size": _any_size,
}
