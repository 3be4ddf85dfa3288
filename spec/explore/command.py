"""Search the specification breadth-first: `python -m spec.explore`.

Without sizes, the scopes of every run; with `--nightly`, larger ones; with sizes, that scope; with `--bug`, a seeded
bug and its counterexample. With `--symmetry`, as with `--nightly`, states that differ only by a permutation of slot,
block, request and reader indices are visited once.

Exit code 0 when nothing is wrong, 1 when something is, 2 after a usage error, 128 plus the number of the signal when it
was interrupted.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from spec.assertions import require_assertions
from spec.bugs.history import SEEDED_BUGS
from spec.explore.bfs import search
from spec.explore.expected_counts import PINNED, REDUCED
from spec.explore.never import story_of_never
from spec.explore.progress import Drawing
from spec.explore.report import ExploreVerdict, check, judge, table
from spec.explore.result import ExploreResult
from spec.explore.story import story
from spec.explore.trace import parts
from spec.explore.workers import ExploreProgress, SearchDied, search_each
from spec.model.actions import ACTIONS, Action
from spec.outputs.options import add_outputs, add_run_outputs, write_run, written
from spec.processes.columns import columns
from spec.processes.options import add_loudness, add_processes
from spec.scope import EVERY_RUN, NIGHTLY, Scope

_LEAST: Final = {"slots": 1, "blocks": 1, "requests": 1}
_MOST: Final = {"toggles": 1, "huge": 1, "idle": 1, "recompress": 1, "keeps": 1}
_MOST_OTHERWISE: Final = 16
_MANY_STATES: Final = 2_000_000
_STATES_PER_SECOND: Final = {False: 25_000, True: 3_000}
"""Without symmetry and with it: then most of the time goes into finding out which state stands for another."""
_BYTES_PER_STATE: Final = {False: 600, True: 2_000}
_HELP: Final = {
    "slots": "pages of the device",
    "blocks": "blocks of the backing device",
    "requests": "write requests, the batch size",
    "limit": "writeback_limit, in blocks; `none` leaves it disabled",
    "readers": "reads of written-back pages that may be under way at a time",
    "stores": "how often writeback_limit may be stored",
    "toggles": "writeback_limit_enable may be switched",
    "huge": "pages may be incompressible",
    "idle": "pages may be marked idle",
    "recompress": "pages may be recompressed",
    "resets": "how often the device may be reset",
    "keeps": "pages read from the backing device may be kept, in place of a read",
}


def estimate(scope: Scope) -> float:
    """Return very roughly how many states a scope has: within a factor of ten for those that anybody has searched."""
    used = min(scope.blocks, scope.slots)
    flying = min(scope.requests, used)
    limit = min(max(scope.limit, 2), 2 * scope.slots)
    marks = 1.5 ** (scope.slots * (scope.huge + scope.idle))
    bounds = 3.0**scope.stores * 5.0**scope.toggles * 1.6**scope.resets * 5.3**scope.readers
    return 4.0 * 8.5**scope.slots * 1.4**used * 5.0 ** (flying - 1) * 1.8**limit * marks * bounds / 1.4


def estimate_reduced(scope: Scope) -> float:
    """Return the same for a search with symmetry: less than a quotient, since things not in use have no orbit."""
    rows = (scope.slots, scope.blocks, scope.requests, scope.readers)
    return float(estimate(scope) / math.prod(map(math.factorial, rows)) ** 0.75)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    require_assertions()
    scope = _scope(asked, parser.error)
    if asked.bug and asked.bug not in {"all", *_NAMES}:
        parser.error(f"--bug: there is no {asked.bug!r}; there are all, {', '.join(_NAMES)}")
    if asked.list:
        print(_listing())
        return 0
    if asked.bug == "all" and (asked.html or asked.itf):
        parser.error("--html, --itf: one run is shown, so name one bug")
    if asked.nightly and (scope or asked.bug):
        parser.error("--nightly: these are scopes of their own, without bugs")
    if asked.symmetry and asked.bug in _NUMBERED:
        parser.error(f"--symmetry: {asked.bug} is about one particular number, so numbers matter")
    verdicts: list[ExploreVerdict] = []
    try:
        for each in _bugs(asked, scope) if asked.bug else _scopes(asked, scope):
            verdicts.append(each)  # noqa: PERF402  (those before an interrupt are kept)
    except KeyboardInterrupt:
        _written(verdicts, parser.prog, asked, interrupted=True)
        raise
    except (SearchDied, MemoryError) as error:
        print(f"error: {str(error) or 'out of memory'}: a smaller scope may fit", file=sys.stderr)
        return 1
    return _written(verdicts, parser.prog, asked)


def _written(
    verdicts: Sequence[ExploreVerdict], prog: str, asked: argparse.Namespace, *, interrupted: bool = False
) -> int:
    """Print the verdicts there are, write those that other programs read, and return the exit code."""
    if not asked.json and (verdicts or not interrupted):
        print(table(verdicts, columns(sys.stdout)))
    if not written(prog, map(check, verdicts), asked, interrupted=interrupted):
        return 2
    try:
        _show(asked, verdicts, prog)
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror or error}", file=sys.stderr)
        return 2
    return int(any(verdict.problems for verdict in verdicts))


def _show(asked: argparse.Namespace, verdicts: Sequence[ExploreVerdict], program: str) -> None:
    """Write the first counterexample as the command line asks for; say so without any."""
    broken = next((each.outcome.broken for each in verdicts if each.outcome.broken), None)
    bug = next((bug for bug in SEEDED_BUGS if bug.name == asked.bug), None)
    if broken is not None:
        write_run(story(broken, f"{program} --bug {bug.name}" if bug else program, bug), parts, asked)
    elif bug is not None and not bug.steps and bug.breaks in [text for each in verdicts for text in each.outcome.never]:
        write_run(story_of_never(bug, bug.breaks, f"{program} --bug {bug.name}"), parts, asked)
    elif asked.html or asked.itf:
        print("note: no property is broken, so there is no run to show", file=sys.stderr)


_NAMES: Final = [bug.name for bug in SEEDED_BUGS]
_NUMBERED: Final = [bug.name for bug in SEEDED_BUGS if bug.asks_for_a_number]


def _scopes(asked: argparse.Namespace, scope: Scope | None) -> Iterator[ExploreVerdict]:
    """Yield the verdicts on scopes in their order, of an interrupted run those that are known."""
    if scope is not None:
        yield judge("scope", _alone("scope", scope, asked, symmetry=asked.symmetry))
        return
    scopes = NIGHTLY if asked.nightly else EVERY_RUN
    symmetry: bool = asked.symmetry or asked.nightly
    pins = REDUCED if symmetry else PINNED
    expected = {name: pins[name].states if name in pins else None for name in scopes}
    drawing = Drawing(expected, sys.stderr, asked.loud)
    found: dict[str, ExploreResult] = {}
    interrupt: KeyboardInterrupt | None = None
    try:
        search_each(scopes, drawing, asked.processes, symmetry=symmetry, found=found, tick=drawing.tick)
    except KeyboardInterrupt as error:
        interrupt = error
    finally:
        drawing.done()
    yield from (judge(name, found[name]) for name in scopes if name in found)
    if interrupt is not None:
        raise interrupt


def _bugs(asked: argparse.Namespace, scope: Scope | None) -> Iterator[ExploreVerdict]:
    """Search with one seeded bug, or with each; where indices matter, without symmetry."""
    for each in SEEDED_BUGS:
        if asked.bug in {"all", each.name}:
            symmetry = asked.symmetry and not each.asks_for_a_number
            outcome = _alone(each.name, scope or each.scope, asked, each.actions, symmetry=symmetry)
            yield judge(each.name, outcome, pinned=False)


def _alone(
    name: str, scope: Scope, asked: argparse.Namespace, actions: Iterable[Action] = ACTIONS, *, symmetry: bool
) -> ExploreResult:
    """Search in this process; interrupted, say how far it was."""
    states = estimate_reduced(scope) if symmetry else estimate(scope)
    if states > _MANY_STATES:
        hours, memory = states / _STATES_PER_SECOND[symmetry] / 3600, states * _BYTES_PER_STATE[symmetry] / 1e9
        print(
            f"warning: {scope.label()} has, very roughly, {states:.0e} states: {hours:,.1f} hours, {memory:,.0f} GB",
            file=sys.stderr,
        )
    drawing = Drawing({name: None}, sys.stderr, asked.loud)
    drawing.tick()
    try:
        return search(scope, actions, lambda *numbers: drawing(ExploreProgress(name, *numbers)), symmetry=symmetry)
    except KeyboardInterrupt:
        drawing.done()
        if text := drawing.so_far(name):
            print(text, file=sys.stderr if asked.json else sys.stdout)
        raise
    finally:
        drawing.done()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m spec.explore", description=__doc__)
    default = Scope()
    for name in Scope._fields:
        preset = getattr(default, name)
        parser.add_argument(f"--{name}", metavar="N", help=f"{_HELP[name]} ({preset})")
    parser.add_argument("--bug", "--variant", metavar="NAME", help="search with a seeded bug: a name, or all")
    parser.add_argument("--symmetry", action="store_true", help="visit states that differ only in numbers once")
    parser.add_argument("--nightly", action="store_true", help="larger scopes, with symmetry, some minutes")
    parser.add_argument("--list", action="store_true", help="list scopes and bugs")
    add_outputs(parser)
    add_run_outputs(parser)
    add_processes(parser)
    add_loudness(parser)
    return parser


def _scope(asked: argparse.Namespace, refuse: Callable[[str], object]) -> Scope | None:
    """Return the scope that was asked for, if any size was."""
    given = {name: str(text) for name, text in vars(asked).items() if name in Scope._fields and text is not None}
    sizes: dict[str, int] = {}
    for name, text in given.items():
        low, high = _LEAST.get(name, 0), _MOST.get(name, _MOST_OTHERWISE)
        if name == "limit" and text == "none":
            sizes[name] = -1
        elif text.isdecimal() and low <= int(text) <= high:
            sizes[name] = int(text)
        else:
            refuse(f"--{name} must be {low} to {high}{' or none' * (name == 'limit')}, got {text}")
    return Scope(**sizes) if given else None


def _listing() -> str:
    scopes = [f"  {name:<30} {s.label()}: {PINNED[name].states:,} states" for name, s in EVERY_RUN.items()]
    larger = [f"  {name:<30} {s.label()}: {REDUCED[name].states:,} with symmetry" for name, s in NIGHTLY.items()]
    bugs = [f"  {bug.name:<30} {bug.mistake}" for bug in SEEDED_BUGS]
    return "\n".join(["scopes of every run", *scopes, "scopes of a night", *larger, "bugs", *bugs])
