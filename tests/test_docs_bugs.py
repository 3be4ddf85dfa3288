"""The page of seeded bugs is up to date, and every bug of the catalogue is seeded or has a reason not to be."""

import re

import pytest

from docs import draw_bug_pages, draw_bugs
from spec.bugs.catalogue import CATALOGUE
from spec.bugs.history import SEEDED_BUGS
from stateful.bugs.seeded import MACHINE, SCHEDULE
from tests.spec.searches import search_once

# Every seeded bug is searched for once, and replayed.
pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("unmeasured")]
PAGE_BYTES_MAX = 150_000
PAGE = draw_bugs.PAGE.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw outcomes that there are by now, of the searches that other tests are about."""
    monkeypatch.setattr(draw_bugs, "search", search_once)


def test_the_page_of_seeded_bugs_is_up_to_date() -> None:
    assert draw_bugs.page() == PAGE, "run: python -m docs.draw_bugs"


def test_the_pages_to_look_at_are_up_to_date_and_small() -> None:
    drawn = draw_bugs.pages()
    assert list(draw_bug_pages.stale(drawn)) == [], "run: python -m docs.draw_bugs"
    assert {name: len(text) for name, text in drawn.items() if len(text) >= PAGE_BYTES_MAX} == {}
    assert {f"bugs/{name}" for name in drawn} == set(re.findall(r"\[page\]\((.*?)\)", PAGE))


def test_every_bug_is_seeded_or_says_why_not() -> None:
    assert [bug.number for bug in CATALOGUE if bool(bug.seeds) == bool(bug.not_seeded)] == []
    assert [name for name, times in seeds().items() if not times] == []


def seeds() -> dict[str, int]:
    """Return how many bugs of the catalogue each bug of the specification repeats."""
    return {each.name: sum(each.name in bug.seeds for bug in CATALOGUE) for each in SEEDED_BUGS}


def test_the_catalogue_names_only_bugs_there_are() -> None:
    assert {name for bug in CATALOGUE for name in bug.seeds} == seeds().keys()
    numbers = {bug.number for bug in CATALOGUE}
    assert {number for bug in (*MACHINE, *SCHEDULE) for number in bug.numbers} <= numbers
    assert all(bug.numbers for bug in (*MACHINE, *SCHEDULE))


def test_every_layer_has_a_figure_for_every_bug() -> None:
    specified = [each.name for each in SEEDED_BUGS]
    found = {layer: list(rows) for layer, rows in draw_bugs.measured().items()}
    assert found == {
        **dict.fromkeys(("search", "z3", "any size"), specified),
        "SPIN": specified[:6],
        "machine": [bug.name for bug in MACHINE],
        "schedules": [bug.name for bug in SCHEDULE],
    }


def test_the_measured_medians_are_within_the_bars() -> None:
    medians = {name: figures[0] for name, figures in draw_bugs.measured()["schedules"].items()}
    assert [bug.name for bug in SCHEDULE if bug.search is None or medians[bug.name] > bug.search.within] == []


def test_every_section_shows_lanes_or_says_nothing_fails() -> None:
    sections = re.split(r"\n## (?=\d+: )", PAGE)[1:]
    shown = ("**The interleaving**", "without a failure")
    assert [text.splitlines()[0] for text in sections if not any(each in text for each in shown)] == []
    assert len(sections) == sum(bool(draw_bugs.seeds_of(bug) or draw_bugs.device_bugs(bug)) for bug in CATALOGUE)
