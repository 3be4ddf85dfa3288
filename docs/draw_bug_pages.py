"""Writes `docs/generated/bugs/`: each seeded bug as a page to look at, from the specification and from the device."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from spec.bugs.batching_v3 import SpecBug
from spec.bugs.catalogue import DriverBug
from spec.explore.never import story_of_never
from spec.explore.result import ExploreResult
from spec.explore.story import story as story_of_search
from spec.explore.trace import parts
from spec.outputs.page import page
from stateful.bugs.seeded import SeededBug
from stateful.schedules.render import watched
from stateful.schedules.story import story as story_of_replay
from stateful.schedules.token import decode
from zram_impl.cli.output import write_whole

FOLDER: Final = Path(__file__).resolve().with_name("generated") / "bugs"


def of_search(bug: DriverBug, seed: SpecBug, outcome: ExploreResult) -> tuple[str, str]:
    """Return the name and the text of the page of a counterexample."""
    again = f"python -m spec.explore --bug {seed.name}"
    made = story_of_search(outcome.broken, again, seed) if outcome.broken else story_of_never(seed, seed.breaks, again)
    return f"{bug.number:02}.html", page(made, parts)


def of_replay(bug: DriverBug, mine: SeededBug, token: str) -> tuple[str, str]:
    """Return the name and the text of the page of a replay."""
    again = f"python -m stateful replay --bug {mine.name} {token}"
    with mine.applied():
        made = story_of_replay(watched(decode(token)), again, mine.name, mine.mistake, (bug.number,))
    return f"{bug.number:02}-device.html", page(made, parts)


def stale(pages: Mapping[str, str]) -> Iterator[str]:
    """Yield the pages that are not as they should be, and those that should not be there."""
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.html")}
    yield from (name for name in sorted({*there, *pages}) if there.get(name) != pages.get(name))


def write(pages: Mapping[str, str]) -> None:
    """Write the pages and remove all others."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.html"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        write_whole(FOLDER / name, text)
