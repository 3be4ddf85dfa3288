"""Confirms contracts with CrossHair, and has their vacuity checks refuted.

CrossHair's exit code is 0 as well when it has confirmed nothing, so what counts is what it says about each contract:
only `Confirmed over all paths` is a proof. A contract that it says nothing about is not confirmed.
"""

import importlib.util
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from spec.processes.interrupts import scratch
from spec.processes.runner import Ended, ProcessTask, program
from spec.prove.counterexample import readable
from spec.prove.crosshair_contracts import Contract, contracts, vacuity_checks
from spec.prove.jobs import ProofJob, run
from spec.prove.verdict import CONFIRMED, REFUTED, ProofVerdict

SECONDS: Final = 120.0
"""Processor time for one contract. A path may take half of it, and a question to z3 a quarter, on the wall clock."""

_BATCH: Final = 3
"""Contracts, each with its vacuity check, for one program: to start it takes half as long as a contract."""

_OPTIONS: Final = ("--analysis_kind=PEP316", "--report_all")
_SAID: Final = re.compile(r"^(?P<path>[^:\n]+)\.py:(?P<line>\d+): \w+: ", re.MULTILINE)
_FALSE: Final = "false when calling "
_WITNESS: Final = " when calling "
_WORDS: Final = {
    "Confirmed over all paths.": CONFIRMED,
    "Not confirmed.": "not confirmed in the time it has",
    "Unable to meet precondition.": "vacuous: its precondition cannot be met",
}
_ANSWERED: Final = (0, 1)
"""Exit codes: no counterexample, or some. Any other is an accident, whatever was said before it."""


class ContractModule(NamedTuple):
    """A module of contracts."""

    name: str
    """As for an import."""
    source: str
    root: Path
    """Folder that it is imported from."""
    part: str
    """The part of a run that its jobs belong to."""
    prefix: str = ""
    """Stands before the name of a contract, to tell those of several modules apart."""

    @property
    def file(self) -> str:
        """Return the name of its file, without the ending."""
        return self.name.rpartition(".")[2]

    @property
    def vacuity(self) -> str:
        """Return the name of the module of its vacuity checks."""
        return f"{self.name.replace('.', '_')}_vacuity"


def confirm(
    modules: Sequence[str],
    ended: Callable[[list[ProofVerdict]], None] | None = None,
    *,
    seconds: float = SECONDS,
    processes: int = 2,
) -> list[ProofVerdict]:
    """Return a verdict on every contract in `modules`.

    A module that cannot be read, or has no contract in it, has a verdict of its own, which is not good.

    Args:
        modules: Their names, as for an import.
        ended: Called with verdicts as they arrive.
        seconds: Processor time for one contract.
        processes: Programs at a time.
    """
    verdicts: list[ProofVerdict] = []

    def collect(_job: ProofJob, found: list[ProofVerdict], _seconds: float) -> None:
        verdicts.extend(found)
        if ended:
            ended(found)

    with scratch("contracts-") as directory:
        jobs: list[ProofJob] = []
        for name in modules:
            try:
                jobs += plan(imported(name, prefix=f"{name}."), directory, seconds=seconds)
            except (ImportError, SyntaxError, ValueError) as error:
                verdicts.append(ProofVerdict(name, f"no answer: {error}", "no answer"))
        run(jobs, collect, processes)
    order = {condition: number for number, condition in enumerate(c for job in jobs for c in job.conditions)}
    return sorted(verdicts, key=lambda verdict: order.get(verdict.condition, -1))


def imported(name: str, prefix: str = "") -> ContractModule:
    """Return a module there is; it is not imported, only what it lies in.

    Raises:
        ImportError: There is no such module.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ImportError(f"there is no module {name}")
    file = Path(spec.origin)
    return ContractModule(name, file.read_text(encoding="utf-8"), file.parents[name.count(".")], name, prefix)


def written(name: str, source: str, directory: Path, part: str) -> ContractModule:
    """Write a module that was generated."""
    (directory / f"{name}.py").write_text(source, encoding="utf-8")
    return ContractModule(name, source, directory, part)


def plan(
    module: ContractModule, directory: Path, only: Collection[str] = (), seconds: float = SECONDS
) -> list[ProofJob]:
    """Return the jobs that confirm the contracts of a module, or those called `only`.

    Their vacuity checks are written to `directory`.

    Raises:
        SyntaxError: The module cannot be parsed.
        ValueError: See `contracts`; or `only` names a contract that does not exist.
    """
    found = contracts(module.source)
    if absent := set(only) - {contract.name for contract in found}:
        raise ValueError(f"{module.name} has no contract named {', '.join(sorted(absent))}")
    chosen = [contract for contract in found if not only or contract.name in only]
    (directory / f"{module.vacuity}.py").write_text(vacuity_checks(module.source), encoding="utf-8")
    batches = [chosen[first : first + _BATCH] for first in range(0, len(chosen), _BATCH)]
    return [_job(module, batch, directory, seconds) for batch in batches]


def _job(module: ContractModule, batch: Sequence[Contract], directory: Path, seconds: float) -> ProofJob:
    targets = [f"{name}.{contract.name}" for contract in batch for name in (module.name, module.vacuity)]
    command = ("check", *_OPTIONS, *_times(seconds), *targets)
    # The time on the wall is longer when the machine has other things to do.
    limit = 60 + 3 * seconds * len(targets)
    return ProofJob(
        module.part,
        conditions=tuple(module.prefix + contract.name for contract in batch),
        task=ProcessTask(partial(program, "crosshair", command), limit, (directory, module.root)),
        read=partial(_read, module, batch),
    )


def _times(seconds: float) -> tuple[str, str]:
    return f"--per_condition_timeout={seconds}", f"--per_path_timeout={max(15, seconds / 2)}"


def _read(module: ContractModule, batch: Sequence[Contract], ended: Ended) -> list[ProofVerdict]:
    said = _messages(ended.out) if ended.code in _ANSWERED else {}
    silence = [ended.last_words()]
    verdicts = []
    for contract in batch:
        mine, checks = (_about(contract, said.get(file, ())) for file in (module.file, module.vacuity))
        verdicts.append(_verdict(module.prefix + contract.name, mine or silence, checks or silence))
    return [verdict._replace(seconds=ended.seconds / len(batch)) for verdict in verdicts]


def _verdict(name: str, said: Sequence[str], of_vacuity: Sequence[str]) -> ProofVerdict:
    # A claim that nothing can happen is refuted by something that happens, not by an exception.
    vacuity_said = REFUTED if len(of_vacuity) == 1 and of_vacuity[0].startswith(_FALSE) else _words(of_vacuity)
    if any(_WITNESS in text for text in said):
        return ProofVerdict(name, REFUTED, vacuity_said, witness="\n".join(map(readable, said)))
    return ProofVerdict(name, _words(said), vacuity_said)


def _words(said: Sequence[str]) -> str:
    return "\n".join(_WORDS.get(text, text) for text in said)


def _messages(out: str) -> dict[str, list[tuple[int, str]]]:
    """Return line and text of each message, by the name of the file it is about."""
    messages: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    found = list(_SAID.finditer(out))
    ends = [*(match.start() for match in found), len(out)][1:]
    for match, end in zip(found, ends, strict=True):
        messages[Path(match["path"]).name].append((int(match["line"]), out[match.end() : end].strip()))
    return messages


def _about(contract: Contract, messages: Sequence[tuple[int, str]]) -> list[str]:
    return [text for line, text in messages if contract.first <= line <= contract.last]
