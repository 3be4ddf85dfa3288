"""The fate of mutants: the layer that noticed, and the name it gave."""

import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from spec.processes.interrupts import scratch
from spec.processes.runner import Ended, ProcessTask, program, run
from stateful.mutate.mutants import ROOT, DeviceMutant

SECONDS: Final = 60
"""Seconds that a mutant may take."""
DONE, HANGS, SLOW = "", "hangs", "out of time"


class MutantFate(NamedTuple):
    """The fate of a mutant."""

    name: str
    kind: str
    layer: str = ""
    """The one that noticed; empty when none did."""
    test: str = ""
    said: str = ""
    """The message, which names the mistake."""
    how: str = DONE
    """True when it hangs, or the time was up before all layers had run."""
    seconds: float = 0.0

    @property
    def caught(self) -> bool:
        """Return whether a layer noticed."""
        return bool(self.layer)


def judge(
    mutants: Sequence[DeviceMutant],
    report: Callable[[Sequence[MutantFate]], None],
    *,
    processes: int = 1,
    seconds: float = SECONDS,
    tick: Callable[[], None] = lambda: None,
) -> list[MutantFate]:
    """Return what becomes of mutants, in their order; whatever happens, neither a process nor a file is left behind.

    `tick` is called several times a second.
    """
    found: dict[str, MutantFate] = {}

    def ended(index: int, how: Ended) -> None:
        found[mutants[index].name] = fate(mutants[index], how)
        report(list(found.values()))

    with scratch("zram-mutants-") as folder:
        tasks = []
        for number, mutant in enumerate(mutants):
            file = folder / f"{number}.json"
            file.write_text(json.dumps([mutant.module, mutant.source]), encoding="utf-8")
            tasks.append(ProcessTask(partial(program, "stateful.mutate.trial", (str(file),)), seconds, (ROOT,)))
        run(tasks, ended, tick=lambda _running: tick(), processes=processes)
    return [found[mutant.name] for mutant in mutants]


def fate(mutant: DeviceMutant, ended: Ended) -> MutantFate:
    """Read what a trial wrote."""
    layer = test = ""
    stacks: list[str] = []
    for line in ended.out.splitlines():
        if not line.startswith("["):
            stacks.append(line)
            continue
        what, where, said = json.loads(line)
        if what == "layer":
            layer = where
        elif what == "running":
            test = where
        else:
            return MutantFate(mutant.name, mutant.kind, layer or where, where, said, DONE, ended.seconds)
    if stacks:
        return MutantFate(mutant.name, mutant.kind, layer, test, "\n".join(waits(stacks)), HANGS, ended.seconds)
    if ended.code is None or not layer:
        said = f"in {layer}, {test}" if layer else ended.last_words()
        return MutantFate(mutant.name, mutant.kind, how=SLOW, said=said, seconds=ended.seconds)
    return MutantFate(mutant.name, mutant.kind, seconds=ended.seconds)


_FRAME: Final = re.compile(r'  File ".*/zram_impl/(\S+\.py)", line (\d+) in (\S+)')


def waits(stacks: Sequence[str], package: Path = ROOT / "zram_impl") -> list[str]:
    """Return the innermost line of the device that each thread is at."""
    found: list[str] = []
    looking = True
    for line in stacks:
        if "hread 0x" in line:
            looking = True
        frame = _FRAME.match(line)
        if looking and frame:
            looking = False
            file, number, function = frame.groups()
            text = (package / file).read_text(encoding="utf-8").splitlines()
            at = text[int(number) - 1].strip() if int(number) <= len(text) else ""
            found.append(f"hangs in {file}:{number} {function}: {at}")
    return found or ["hangs outside of the device"]
