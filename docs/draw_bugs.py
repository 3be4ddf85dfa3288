"""Writes `docs/generated/bugs.md`, a section a seeded bug, and its pages: `python -m docs.draw_bugs [--measure]`.

All but the times and the numbers of runs and schedules is computed again each time, and a test compares. Those figures
are measured with `--measure` (minutes) and kept in `bugs-measured.json` beside the page.
"""

import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Final

from docs import draw_bug_pages
from docs.draw_tables import markdown_table
from docs.program import parser
from spec.assertions import require_assertions
from spec.bugs.batching_v3 import BATCHING_V3, SpecBug
from spec.bugs.catalogue import CATALOGUE, DriverBug
from spec.bugs.history import SEEDED_BUGS
from spec.explore.bfs import search
from spec.explore.result import ExploreResult
from spec.explore.trace import counterexample
from spec.model.invariant import CLAUSES
from spec.model.properties import EVERY_STEP, REST
from spec.processes.entry import run
from spec.promela.command import search as spin
from spec.prove.unbounded.command import prove_all_sizes, with_bug
from stateful.bugs import by_machine, by_schedules
from stateful.bugs.seeded import MACHINE, SCHEDULE, SeededBug
from stateful.schedules.render import story
from stateful.schedules.token import decode
from tests.spec.expected.open_any_size import OPEN
from tests.spec.expected.refutation import SMALL, refuted_by
from tests.spec.expected.refuted import REFUTED, contracts
from zram_impl.cli.output import write_whole

PAGE: Final = Path(__file__).resolve().with_name("generated") / "bugs.md"
MEASURED: Final = PAGE.with_name("bugs-measured.json")
TOKENS: Final = PAGE.parents[2] / "tests" / "regressions.tokens"
LAYERS: Final = ("search", "SPIN", "z3", "any size", "machine", "schedules")
SEEDS: Final = {bug.name: bug for bug in SEEDED_BUGS}
OF_THE_DEVICE: Final = (*MACHINE, *SCHEDULE)
SENTENCES: Final = {
    **{clause.__name__: str(clause.__doc__) for clause in CLAUSES},
    **{step.holds.__name__: str(step.holds.__doc__) for step in EVERY_STEP},
    **dict(REST),
    "nobody_waits_without_a_waker": "a task that waits has another that will wake it",
    "pages_read_back": "every page reads back as it was last written",
}

_INTRODUCTION: Final = """\
# Seeded bugs

Written by `python -m docs.draw_bugs` from `spec/bugs` and `stateful/bugs`; edit those.

Every bug that the batched writeback of the zram driver had, before or after it was merged, and that can be expressed
here is seeded: in the specification, in the device, or in both. So are a few designs that the driver never had. A layer
that did not catch them would be worth nothing. A section has what the code did and in which versions, the interleaving
that shows it, the state at the bad moment, the property that fails, and what each layer needed to catch it.

| layer | what it does | see one: `python -m` ... |
| --- | --- | --- |
| search | breadth-first through the specification with the bug: the shortest way | `spec.explore --bug NAME` |
| SPIN | the same with a second model, in another language | `spec.promela --bug NAME` |
| z3 | conditions that fail from some state that satisfies the invariant, at {sizes} | tests |
| any size | the same for any number of slots, blocks, requests | `spec.prove_sizes --bug NAME` |
| machine | random operations on the device with the bug, compared step by step | `stateful bugs NAME` |
| schedules | the device with the bug on random schedules, {seeds} seeds | `stateful bugs NAME` |

*Page* leads to the same run as a page for a browser, with a slider over its steps and the state at each; in a clone
they lie in `docs/generated/bugs/`. [Outputs](../outputs.md#a-run-to-look-at) says what is on such a page.

Lanes are read from top to bottom; ` > ` marks a preemption. In a state, `*` marks what the last step changed or broke.
The times are of one process of a two-core machine; SPIN's include the compiler. What has no time was not seeded there.
"""


# --- the page ------------------------------------------------------------------------------------------------------


def page() -> str:
    """Return the whole page."""
    kept = tokens()
    seeded = [bug for bug in CATALOGUE if seeds_of(bug) or device_bugs(bug)]
    overview = markdown_table(("bug", "", "versions", *LAYERS), map(_overview, seeded))
    others = [[str(bug.number), f"{bug.name}. {bug.did}", bug.versions, bug.not_seeded] for bug in CATALOGUE]
    absent = [row for bug, row in zip(CATALOGUE, others, strict=True) if bug not in seeded]
    return "\n".join(
        [
            _INTRODUCTION.format(sizes=SMALL.label(), seeds=by_schedules.SEEDS),
            f"## Layer by layer\n\n{overview}\n",
            *(f"{section(bug, kept)}\n" for bug in seeded),
            "## Not seeded\n",
            f"{markdown_table(('bug', 'what the code did', 'versions', 'why not'), absent)}\n",
        ]
    )


def section(bug: DriverBug, kept: Mapping[str, str]) -> str:
    """Return what there is to say about one bug."""
    theirs, ours = seeds_of(bug), device_bugs(bug)
    properties = dict.fromkeys([*(seed.breaks for seed in theirs), *(mine.breaks[0] for mine in ours)])
    shown = next((mine for mine in ours if mine.name in kept), None)
    lines = [
        f"## {_title(bug)}\n",
        f"**What the code did**: {bug.did}\n",
        f"**Versions**: {bug.versions}.\n",
        "**The property that fails**:\n",
        *(f"- {_property(name)}" for name in properties),
        "",
        markdown_table(("caught by", "seeded bug", "how", "time"), _rows(theirs, ours)),
    ]
    if shown is not None:
        lines += ["", *_schedule(bug, shown, kept[shown.name])]
    if theirs and theirs[0].steps:
        lines += ["", *_counterexample(bug, theirs[0], lanes=shown is None)]
    elif theirs:
        lines += ["", f"**The step that is refused**: {_page(f'{bug.number:02}.html')}."]
    return "\n".join(lines)


def pages() -> dict[str, str]:
    """Return the pages to look at, by their names."""
    kept, found = tokens(), dict[str, str]()
    for bug in CATALOGUE:
        for seed in seeds_of(bug)[:1]:
            name, text = draw_bug_pages.of_search(bug, seed, outcome(seed.name))
            found[name] = text
        for mine in [mine for mine in device_bugs(bug) if mine.name in kept][:1]:
            name, text = draw_bug_pages.of_replay(bug, mine, kept[mine.name])
            found[name] = text
    return found


def _page(name: str) -> str:
    return f"[page](bugs/{name})"


def _rows(theirs: Iterable[SpecBug], ours: Iterable[SeededBug]) -> Iterator[list[str]]:
    for seed in theirs:
        name = f"`{seed.name}`"
        yield ["search", name, _searched(seed), _seconds("search", seed.name)]
        if seed in BATCHING_V3:
            yield ["SPIN", name, f"the same way, {seed.steps} steps", _seconds("SPIN", seed.name)]
        refuted = {(action, claim) for action, claims in REFUTED[seed.name].items() for claim in claims}
        by = ", ".join(f"`{each}`" for each in sorted(contracts(seed.name)))
        yield ["z3", name, f"{by}: {_claims(refuted)}", _seconds("z3", seed.name)]
        same = "the same" if OPEN[seed.name] == refuted else _claims(OPEN[seed.name])
        yield ["any size", name, same, _seconds("any size", seed.name)]
    for mine in ours:
        if mine.search is None:
            runs, seconds = _figure("machine", mine.name)
            yield ["machine", f"`{mine.name}`", f"{runs:g} runs", f"{seconds:.2g} s"]
        else:
            median, most, seconds = _figure("schedules", mine.name)
            policy, bar = mine.search.policy, mine.search.within
            how = f"{policy} schedules until found: median {median:g}, at most {most:g} (bar {bar})"
            yield ["schedules", f"`{mine.name}`: {mine.mistake}", how, f"{seconds:.2g} s"]


def _overview(bug: DriverBug) -> list[str]:
    cells = dict.fromkeys(LAYERS, "")
    for layer, _name, how, _time in _rows(seeds_of(bug)[:1], device_bugs(bug)):
        cells[layer] = {"SPIN": "the same", "any size": "yes", "z3": how.partition(":")[0]}.get(layer, how)
    cells["search"] = cells["search"].partition(", ")[0].partition(";")[0]
    cells["schedules"] = re.sub(r".*median ([\d.]+),.*", r"\1", cells["schedules"])
    return [f"[{bug.number}](#{_anchor(_title(bug))})", bug.name, bug.versions, *cells.values()]


def _searched(seed: SpecBug) -> str:
    found = outcome(seed.name)
    if found.broken is None:
        return f"{found.states:,} states without a failure; never seen: {seed.breaks}"
    return f"{len(found.broken.steps)} steps, {found.states:,} states"


def _counterexample(bug: DriverBug, seed: SpecBug, *, lanes: bool) -> Iterator[str]:
    broken = outcome(seed.name).broken
    assert broken is not None, f"{seed.name} breaks {seed.breaks}"
    _sentence, way, states = re.split(r"\n\n(?=      user|before\n|there\n)", counterexample(broken), maxsplit=2)
    command = f"`python -m spec.explore --bug {seed.name}`, {_page(f'{bug.number:02}.html')}"
    if lanes:
        yield f"**The interleaving**, the shortest ({command}):\n\n```text\n{way.rstrip()}\n```\n"
        yield f"**The state**, before and after the last step:\n\n```text\n{states}\n```"
    else:
        yield f"**The state** at the end of the shortest way in the specification ({command}):\n"
        yield f"```text\n{states}\n```"


def _schedule(bug: DriverBug, mine: SeededBug, token: str) -> Iterator[str]:
    with mine.applied():
        text = story(decode(token))
    command = f"`python -m stateful replay --bug {mine.name} {token}`, {_page(f'{bug.number:02}-device.html')}"
    yield f"**The interleaving**, on the device ({command}):\n"
    yield f"```text\n{text}\n```"


def _property(name: str) -> str:
    return f"`{name}`: {SENTENCES[name]}" if name in SENTENCES else f"never seen: {name}"


def _claims(found: Iterable[tuple[str, str]]) -> str:
    return ", ".join(sorted({claim for _action, claim in found}))


def _title(bug: DriverBug) -> str:
    return f"{bug.number}: {bug.name}"


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


# --- what is seeded, and what it shows -----------------------------------------------------------------------------


def seeds_of(bug: DriverBug) -> list[SpecBug]:
    """Return the bugs of the specification that repeat one of the driver's."""
    return [SEEDS[name] for name in bug.seeds]


def device_bugs(bug: DriverBug) -> list[SeededBug]:
    """Return the bugs of the device that repeat one of the driver's."""
    return [mine for mine in OF_THE_DEVICE if bug.number in mine.numbers]


def tokens() -> dict[str, str]:
    """Return the first kept token of each bug."""
    lines = TOKENS.read_text(encoding="utf-8").splitlines()
    found = [line.split(maxsplit=2)[:2] for line in lines if line and line[0] != "#"]
    return {name: token for token, name in reversed(found)}


@cache
def outcome(name: str) -> ExploreResult:
    """Return what a search of the specification with a bug finds."""
    return search(SEEDS[name].scope, SEEDS[name].actions)


# --- figures -------------------------------------------------------------------------------------------------------


@cache
def measured() -> dict[str, dict[str, list[float]]]:
    """Return the figures that were measured last, by layer and bug."""
    found: dict[str, dict[str, list[float]]] = json.loads(MEASURED.read_text(encoding="utf-8"))
    return found


def _figure(layer: str, name: str) -> list[float]:
    return measured()[layer][name]


def _seconds(layer: str, name: str) -> str:
    return f"{_figure(layer, name)[0]:.2g} s"


def measure(say: Callable[[str], object]) -> dict[str, dict[str, list[float]]]:
    """Measure how long each layer takes to catch each bug, and how many runs or schedules."""
    found: dict[str, dict[str, list[float]]] = {layer: {} for layer in LAYERS}
    for seed in SEEDED_BUGS:
        say(seed.name)
        found["search"][seed.name] = [search(seed.scope, seed.actions).seconds]
        found["z3"][seed.name] = [_timed(partial(refuted_by, seed))]
        replaced = [action.name for action in seed.replaced]
        found["any size"][seed.name] = [_timed(partial(prove_all_sizes, None, with_bug(seed.name), replaced))]
        if seed in BATCHING_V3:
            found["SPIN"][seed.name] = [spin(seed.scope, seed.name).seconds]
    for bug in OF_THE_DEVICE:
        say(bug.name)
        if bug.search is None:
            judged = by_machine.judge(bug.name)
            found["machine"][bug.name] = [judged.runs, judged.seconds]
        else:
            began = time.perf_counter()
            caught = by_schedules.judge(bug.name)
            seconds = (time.perf_counter() - began) / len(caught.schedules)
            found["schedules"][bug.name] = [caught.median, max(caught.schedules), seconds]
    return found


def _timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page and return the exit code; with `--measure`, measure first."""
    of_command = parser("draw_bugs", __doc__)
    of_command.add_argument("--measure", action="store_true", help="measure every layer anew first (minutes)")
    measuring: bool = of_command.parse_args(arguments).measure
    require_assertions()
    if measuring:
        figures = measure(lambda text: sys.stderr.write(f"{text}\n"))
        rounded = {
            layer: {k: [float(f"{x:.2g}") for x in v] for k, v in rows.items()} for layer, rows in figures.items()
        }
        write_whole(MEASURED, json.dumps(rounded, indent=1) + "\n")
        measured.cache_clear()
    write_whole(PAGE, page())
    draw_bug_pages.write(pages())
    return 0


if __name__ == "__main__":
    run("docs.draw_bugs")
