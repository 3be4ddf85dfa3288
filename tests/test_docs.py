"""Generated pages are up to date."""

import json
import re

from docs import draw_conformance, draw_speed, draw_tables
from stateful.conformance.job import RECORDINGS
from stateful.conformance.schema import recorded_names


def test_the_state_machine_page_is_up_to_date() -> None:
    assert draw_tables.PAGE.read_text(encoding="utf-8") == draw_tables.page(), "run: python -m docs.draw_tables"


def test_the_curves_are_drawn_from_what_was_measured() -> None:
    drawn = draw_speed.pictures(json.loads(draw_speed.FIGURES.read_text(encoding="utf-8")))
    there = {name: (draw_speed.DOCS / "images" / name).read_text(encoding="utf-8") for name in drawn}
    assert there == drawn, "run: python -m docs.draw_speed"


def test_the_page_about_the_driver_is_up_to_date() -> None:
    stale = "run: python -m docs.draw_conformance"
    assert draw_conformance.PAGE.read_text(encoding="utf-8") == draw_conformance.page(), stale


def test_every_quirk_says_what_shows_it() -> None:
    evidence = ("Recording", "Derived")
    assert [name for name, text in draw_conformance.explained().items() if not any(e in text for e in evidence)] == []


def test_the_recordings_that_quirks_name_are_there() -> None:
    lists = re.findall(r"[Rr]ecordings? (\w+(?:, \w+)*)\.", " ".join(draw_conformance.explained().values()))
    named = {name for names in lists for name in names.split(", ")}
    there = {name.rpartition("/")[2] for name in recorded_names(RECORDINGS)}
    assert (len(lists), named - there - {name.partition("_")[0] for name in there}) == (18, set())


def test_no_page_and_no_picture_has_a_path_of_a_machine() -> None:
    """A command is shown with its arguments, one of which was a file that it wrote."""
    texts = [path for path in draw_speed.DOCS.rglob("*") if path.suffix in (".md", ".json", ".svg")]
    path = re.compile(r"(?<![\w.~])/(?:tmp|root|home|work|usr|var)/")
    assert len(texts) > 20
    assert [text.name for text in texts if path.search(text.read_text(encoding="utf-8"))] == []
