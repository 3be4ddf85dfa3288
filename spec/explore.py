"""Walk the specification: `python -m spec.explore`.

Without sizes, the scopes of every run; with sizes, that scope; with `--variant`, a bug and how it shows.
Exit code 0 when nothing is wrong, 1 when something is, 2 when it was called wrongly, 130 when it was interrupted.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from spec.actions import ACTIONS, Action
from spec.history import EVERY_VARIANT
from spec.outcome import Outcome
from spec.pinned import PINNED
from spec.processes import Progress, Report, WalkDied, walk_each
from spec.progress import Drawing
from spec.scope import EVERY_RUN, Scope
from spec.verdict import Verdict, data, judge, table
from spec.walk import walk

_LEAST: Final = {"slots": 1, "blocks": 1, "requests": 1}
_MOST: Final = {"toggles": 1, "huge": 1, "idle": 1, "recompress": 1}
_MOST_OTHERWISE: Final = 16
_MANY_STATES: Final = 2_000_000
_STATES_PER_SECOND: Final = 25_000
_BYTES_PER_STATE: Final = 600
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
}


def explore_every_run(progress: Report | None = None, processes: int = 2) -> list[Outcome]:
    """Walk the scopes of every run, the longest first, and return the outcomes in their order."""
    return walk_each(EVERY_RUN, progress, processes)


def estimate(scope: Scope) -> float:
    """Return very roughly how many states a scope has: within a factor of ten for those that anybody has walked."""
    used = min(scope.blocks, scope.slots)
    flying = min(scope.requests, used)
    limit = min(max(scope.limit, 2), 2 * scope.slots)
    marks = 1.5 ** (scope.slots * (scope.huge + scope.idle))
    bounds = 3.0**scope.stores * 5.0**scope.toggles * 1.6**scope.resets * 5.3**scope.readers
    return 4.0 * 8.5**scope.slots * 1.4**used * 5.0 ** (flying - 1) * 1.8**limit * marks * bounds / 1.4


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    scope = _scope(asked, parser.error)
    if asked.variant and asked.variant not in {"all", *_NAMES}:
        parser.error(f"--variant: there is no {asked.variant!r}; there are all, {', '.join(_NAMES)}")
    if asked.list:
        print(_listing())
        return 0
    try:
        verdicts = _variants(asked.variant, scope) if asked.variant else _scopes(scope)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except (WalkDied, MemoryError) as error:
        print(f"error: {str(error) or 'out of memory'}: a smaller scope may fit", file=sys.stderr)
        return 1
    wrong = any(verdict.problems for verdict in verdicts)
    if asked.json:
        print(json.dumps({"clean": not wrong, "walks": [data(each) for each in verdicts]}, indent=2))
    else:
        print(table(verdicts))
    return int(wrong)


_NAMES: Final = [variant.name for variant in EVERY_VARIANT]


def _scopes(scope: Scope | None) -> list[Verdict]:
    if scope is not None:
        return [judge("scope", _alone("scope", scope))]
    drawing = Drawing(list(EVERY_RUN), sys.stderr)
    try:
        outcomes = explore_every_run(drawing)
    finally:
        drawing.done()
    return [judge(name, outcome) for name, outcome in zip(EVERY_RUN, outcomes, strict=True)]


def _variants(wanted: str, scope: Scope | None) -> list[Verdict]:
    chosen = [variant for variant in EVERY_VARIANT if wanted in {"all", variant.name}]
    return [judge(each.name, _alone(each.name, scope or each.scope, each.actions), pinned=False) for each in chosen]


def _alone(name: str, scope: Scope, actions: Iterable[Action] = ACTIONS) -> Outcome:
    """Walk in this process."""
    states = estimate(scope)
    if states > _MANY_STATES:
        hours, memory = states / _STATES_PER_SECOND / 3600, states * _BYTES_PER_STATE / 1e9
        print(
            f"warning: {scope.label()} has, very roughly, {states:.0e} states: {hours:,.1f} hours, {memory:,.0f} GB",
            file=sys.stderr,
        )
    drawing = Drawing([name], sys.stderr)
    try:
        return walk(scope, actions, lambda *numbers: drawing(Progress(name, *numbers)))
    finally:
        drawing.done()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m spec.explore", description=__doc__)
    default = Scope()
    for name in Scope._fields:
        preset = getattr(default, name)
        parser.add_argument(f"--{name}", metavar="N", help=f"{_HELP[name]} ({preset})")
    parser.add_argument("--variant", metavar="NAME", help="walk with a bug put back: a name, or all")
    parser.add_argument("--list", action="store_true", help="list scopes and variants")
    parser.add_argument("--json", action="store_true", help="print data instead of text")
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
            refuse(f"--{name}: {text} is not allowed: {low} to {high}" + (" or none" if name == "limit" else ""))
    return Scope(**sizes) if given else None


def _listing() -> str:
    scopes = [f"  {name:<30} {s.label()}: {PINNED[name].states:,} states" for name, s in EVERY_RUN.items()]
    variants = [f"  {variant.name:<30} {variant.mistake}" for variant in EVERY_VARIANT]
    return "\n".join(["scopes of every run", *scopes, "variants", *variants])


if __name__ == "__main__":
    sys.exit(main())
