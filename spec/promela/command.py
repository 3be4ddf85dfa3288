"""Compare the search with an independent model under SPIN: `python -m spec.promela`.

The model is in `spec/promela/`; `docs/second-model.md` says how the counts are compared.
Exit code 0 when they are equal, 1 when they differ or an assertion is violated, 2 when it was called wrongly, 3 where
SPIN or a C compiler is not installed, 128 plus the number of the signal when it was interrupted.
"""

import argparse
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from spec.assertions import require_assertions
from spec.bugs.batching_v3 import BATCHING_V3, SpecBug
from spec.explore.expected_counts import PINNED, Pinned
from spec.explore.trace import step
from spec.model.invariant import CLAUSES
from spec.model.properties import EVERY_STEP
from spec.outputs.options import add_outputs, written
from spec.outputs.places import place
from spec.outputs.verdicts import FAILED, PASSED, Check, Finding, FlowStep, rule_name, shown
from spec.processes.columns import columns, laid_out
from spec.processes.interrupts import scratch
from spec.processes.options import add_loudness
from spec.processes.progress import Progress
from spec.processes.runner import output
from spec.scope import EVERY_RUN, Scope

MODEL: Final = Path(__file__).resolve().parent
HOW_TO_INSTALL: Final = "`apt-get install spin gcc` (Debian, Ubuntu), or see https://spinroot.com"

# What SPIN counts besides: the initial state as a transition; and the search counts a level that finds nothing new.
FIRST_STATE: Final = 1
LAST_LEVEL: Final = 1

# Every optimisation that could leave something uncounted is off, and states are stored whole, not hashed. The search is
# breadth first, so a trail is a shortest one. The compiler's optimisation would take longer than it saves.
_GENERATE: Final = ("-o1", "-o2", "-o3", "-a")
_COMPILE: Final = ("-O0", "-w", "-DSAFETY", "-DNOREDUCE", "-DBFS", "-o", "pan", "pan.c")

_MAIN: Final = "writeback.pml"
_ROW: Final = "{:<8} {:<55} {:>10} {:>12} {:>6} {:>8}  {}"
_SENTENCES: Final = {
    piece.__name__: piece.__doc__ or "" for piece in (*CLAUSES, *(every_step.holds for every_step in EVERY_STEP))
}


class SpinMissing(Exception):  # noqa: N818  (it says what is the matter)
    """SPIN or a C compiler is not installed."""


class SpinFailed(Exception):  # noqa: N818  (as above)
    """SPIN, the compiler or the verifier did not do what it should; most often the model does not parse."""


class SpinCounterexample(NamedTuple):
    """A violated assertion, and a shortest way there."""

    name: str
    """Of the inline that it stands in, which is that of the property."""
    assertion: str
    where: str
    """File and line."""
    steps: tuple[str, ...]
    """`actor action(arguments)`"""


class SpinResult(NamedTuple):
    """The result of SPIN, in the terms of the search."""

    states: int
    transitions: int
    depth: int
    seconds: float
    broken: SpinCounterexample | None

    @property
    def counts(self) -> Pinned:
        """Return what there is to compare."""
        return Pinned(self.states, self.transitions, self.depth)


def search(scope: Scope, bug: str = "", tick: Callable[[], None] = lambda: None) -> SpinResult:
    """Let SPIN visit every state of `scope`, or go the shortest way to a violated assertion; `bug` is seeded.

    `tick` is called several times a second.
    """
    began = time.perf_counter()
    with scratch("spin-") as place:
        model = _Model(place, scope, bug, tick)
        said = model.verify()
        clean = re.search(r"errors: 0$", said, re.MULTILINE)
        found = None if clean else broken(model.replay())
    return counted(said, time.perf_counter() - began, found)


def taken(scope: Scope) -> Counter[str]:
    """Let SPIN visit every state of `scope` and count the steps of each action."""
    with scratch("spin-") as place:
        said = _Model(place, scope).verify("-DPRINTF")
    return Counter(re.findall(r"^ *\w+ (\w+)\(.*\)$", said, re.MULTILINE))


class _Model:
    """A copy of the model in a directory of its own."""

    def __init__(self, place: Path, scope: Scope, bug: str = "", tick: Callable[[], None] = lambda: None) -> None:
        self._tick = tick
        self._spin, self._compiler = programs()
        self._place = place
        sizes = [f"-D{name.upper()}={value}" for name, value in scope._asdict().items()]
        self._defines = (f"-P{self._compiler} -E -x c", *sizes, *[f"-D{bug.upper()}"][: bool(bug)])
        for part in MODEL.glob("*.pml"):
            shutil.copy(part, place)

    def verify(self, *flags: str) -> str:
        """Make a verifier and return what it prints."""
        self._run(self._spin, *_GENERATE, *self._defines, _MAIN)
        self._run(self._compiler, *_COMPILE, *flags)
        return self._run(str(self._place / "pan"))

    def replay(self) -> str:
        """Return what SPIN prints on the way to the violated assertion."""
        return self._run(self._spin, "-t", "-B", "-T", *self._defines, _MAIN)

    def _run(self, *command: str) -> str:
        done = output(command, self._place, self._tick)
        if done.returncode:
            last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
            raise SpinFailed(f"{Path(command[0]).name} ended with {done.returncode}\n{last}")
        return done.stdout


def programs() -> tuple[str, str]:
    """Return the names of SPIN and of a C compiler."""
    compiler = next((name for name in ("gcc", "cc", "clang") if shutil.which(name)), None)
    if not shutil.which("spin") or compiler is None:
        missing = "SPIN" if compiler else "a C compiler"
        raise SpinMissing(f"{missing} is not installed: {HOW_TO_INSTALL}")
    return "spin", compiler


def counted(said: str, seconds: float, found: SpinCounterexample | None) -> SpinResult:
    """Read what the verifier has printed."""
    if not found and "Search not completed" in said:
        raise SpinFailed("the search was not completed: " + said.strip().splitlines()[0])
    states = _number(r"(\S+) states, stored", said)
    transitions = _number(r"(\S+) transitions \(= stored\+matched\)", said)
    depth = _number(r"depth reached (\S+),", said)
    return SpinResult(states, transitions - FIRST_STATE, depth + LAST_LEVEL, seconds, found)


def _number(pattern: str, said: str) -> int:
    found = re.search(pattern, said)
    if found is None or not found[1].isdecimal():  # numbers of nine digits and more are printed rounded
        raise SpinFailed(f"cannot read the number in {found[0] if found else said!r}")
    return int(found[1])


def broken(replayed: str) -> SpinCounterexample:
    """Read a replayed trail: a line a step, and where in the model the assertion stands."""
    place = re.search(r"(\w+\.pml):(\d+), Error: assertion violated", replayed)
    text = re.search(r"text of failed assertion: (.*)", replayed)
    if place is None or text is None:
        raise SpinFailed(f"the trail does not end in a violated assertion\n{replayed}")
    above = (MODEL / place[1]).read_text(encoding="utf-8").splitlines()[: int(place[2])]
    inlines = re.findall(r"^inline (\w+)", "\n".join(above), re.MULTILINE)
    # the trail continues with what was asked for as the state was checked
    steps = re.findall(r"^ *(\w+ \w+\(.*\))$", replayed[: place.start()], re.MULTILINE)
    return SpinCounterexample(inlines[-1] if inlines else "", text[1], f"{place[1]}:{place[2]}", tuple(steps))


def problems(found: SpinResult, expected: Pinned) -> list[str]:
    """Say what is wrong with a search of a scope of every run."""
    if found.broken:
        return [readable(found.broken)]
    pairs = zip(Pinned._fields, found.counts, expected, strict=True)
    return [f"{what}: {n:,}, the search's {pinned:,}" for what, n, pinned in pairs if n != pinned]


def disagreement(found: SpinResult, bug: SpecBug) -> str:
    """Say what SPIN and the search do not agree upon about a seeded bug."""
    shown = (found.broken.name, len(found.broken.steps)) if found.broken else ("nothing", 0)
    if shown == (bug.breaks, bug.steps):
        return ""
    return f"breaks {shown[0]} in {shown[1]} steps, in the search {bug.breaks} in {bug.steps}"


def readable(found: SpinCounterexample) -> str:
    """Return the property, the way to break it, and the assertion that noticed."""
    lines = [f"{found.name} is broken after {len(found.steps)} steps:", f"  {_SENTENCES.get(found.name, '')}", ""]
    for number, text in enumerate(found.steps, start=1):
        actor, _, taken = text.partition(" ")
        lines.append(f"{number:>4}  {actor:<6}  {step(taken)}")
    return "\n".join([*lines, "", f"{found.where}: {found.assertion}"])


PROGRAM: Final = "python -m spec.promela"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--scope", default="all", metavar="NAME", choices=("all", *EVERY_RUN), help="a scope (all)")
    names = [bug.name for bug in BATCHING_V3]
    what.add_argument("--bug", "--variant", metavar="NAME", choices=("all", *names), help="seed a bug: a name, or all")
    add_outputs(parser)
    add_loudness(parser)
    asked = parser.parse_args(arguments)
    require_assertions()
    try:
        programs()
        return _bugs(asked) if asked.bug else _scopes(asked)
    except SpinMissing as error:
        return _refuse(f"error: {error}", 3)
    except SpinFailed as error:
        return _refuse(f"error: {error}", 1)


def _scopes(asked: argparse.Namespace) -> int:
    wanted: str = asked.scope
    wrong: list[str] = []
    checks: list[Check] = []
    say = partial(_print, asked)
    names = [name for name in EVERY_RUN if wanted in {"all", name}]
    header = ["scope", "", "states", "transitions", "depth", "seconds", "verdict"]
    most = columns(sys.stdout)
    narrow = most is not None and len(_ROW.format(*header)) > most
    if not narrow:
        say(_ROW.format(*header))
    for number, name in enumerate(names):
        scope = EVERY_RUN[name]
        with _drawn(f"scope {name}: {number} of {len(names)} done", asked.loud) as tick:
            found = search(scope, tick=tick)
        different = problems(found, PINNED[name])
        wrong += [f"\n{name}: {problem}" for problem in different]
        checks.append(_check(name, found, different))
        verdict = shown(not different)
        numbers = ["-", "-", "-"] if found.broken else [f"{number:,}" for number in found.counts]
        row = [name, scope.label(), *numbers, f"{found.seconds:.1f}", verdict]
        say("\n".join([*laid_out([header, row], (), most), ""]) if narrow else _ROW.format(*row))
    for problem in wrong:
        say(problem)
    return int(bool(wrong)) if written(PROGRAM, checks, asked) else 2


def _check(name: str, found: SpinResult, different: Sequence[str]) -> Check:
    """Return a search by SPIN as a check."""
    data = dict(zip(Pinned._fields, found.counts, strict=True)) if not found.broken else {}
    what = f"{found.states:,} states" if not found.broken else "; ".join(different).partition("\n")[0]
    findings = tuple(Finding(rule_name(text.partition(":")[0]), text.partition("\n")[0], text) for text in different)
    if found.broken:
        broken = found.broken
        taken = [each.partition(" ")[::2] for each in broken.steps]
        steps = tuple(FlowStep(actor, step(text)) for actor, text in taken)
        sentence = _SENTENCES.get(broken.name, broken.assertion)
        findings = (Finding(broken.name, sentence, readable(broken), place=place(broken.name), steps=steps),)
    return Check(name, FAILED if findings else PASSED, what, found.seconds, "\n".join(different), findings, data)


def _bugs(asked: argparse.Namespace) -> int:
    """Return 1, as a search does that finds a bug."""
    bugs = [bug for bug in BATCHING_V3 if asked.bug in {"all", bug.name}]
    checks: list[Check] = []
    say = partial(_print, asked)
    for number, bug in enumerate(bugs):
        with _drawn(f"bug {bug.name}: {number} of {len(bugs)} done", asked.loud) as tick:
            found = search(bug.scope, bug.name, tick)
        shown = readable(found.broken) if found.broken else "nothing is broken"
        different = disagreement(found, bug)
        checks.append(_check(bug.name, found, [shown]))
        say(f"{bug.name}: {shown}\n{f'DIFFERENT: {different}' if different else 'the same as in the search'}\n")
    return 1 if written(PROGRAM, checks, asked) else 2


@contextmanager
def _drawn(text: str, loud: int) -> Iterator[Callable[[], None]]:
    """Yield a function that draws what is under way and its seconds."""
    progress = Progress(sys.stderr, loud)
    try:
        yield lambda: progress.show(lambda: [f"{text}, {progress.seconds:.0f} s"])
    finally:
        progress.done()


def _print(asked: argparse.Namespace, text: str) -> None:
    if asked.json:
        return
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _refuse(text: str, code: int) -> int:
    sys.stderr.write(f"{text}\n")
    return code
