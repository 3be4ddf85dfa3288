"""Counterexamples of the seeded bugs as stories, each searched for once; readers of the page and of ITF traces."""

import json
from collections.abc import Mapping
from functools import cache
from html.parser import HTMLParser
from typing import Final

from spec.bugs.history import SEEDED_BUGS
from spec.explore.story import story
from spec.explore.trace import parts
from spec.outputs.page import page
from spec.outputs.story import RunStory
from tests.spec.searches import search_once

BUGS: Final = {bug.name: bug for bug in SEEDED_BUGS if bug.steps}


@cache
def shown_of(name: str) -> RunStory:
    """Return the counterexample of a bug."""
    bug = BUGS[name]
    broken = search_once(bug.scope, bug.actions).broken
    assert broken is not None
    return story(broken, f"python -m spec.explore --bug {name}", bug)


class Reader(HTMLParser):
    """Reads a page strictly: every element is closed in order, every id there once."""

    VOID: Final = frozenset({"meta", "input", "br", "link"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []
        """The tag of each open element, and its id or else the tag."""
        self.ids: list[str] = []
        self.texts: dict[str, str] = {}
        """Of elements without others in them, by the id, else by the tag."""
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"
        assert len(self.ids) == len(set(self.ids))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # type: ignore[explicit-override]
        found = {name: value or "" for name, value in attrs}
        self.attributes += [(tag, name, value) for name, value in found.items()]
        self.ids += [found["id"]] if "id" in found else []
        if tag not in self.VOID:
            self.open.append((tag, found.get("id", tag)))

    def handle_endtag(self, tag: str) -> None:  # type: ignore[explicit-override]  # typing: 3.12
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:  # type: ignore[explicit-override]  # typing: 3.12
        if self.open:
            key = self.open[-1][1]
            self.texts[key] = self.texts.get(key, "") + data


def read_page(made: RunStory) -> tuple[Reader, Mapping[str, object]]:
    """Return a page as it is read, and the data in it."""
    found = Reader(page(made, parts))
    data: Mapping[str, object] = json.loads(found.texts["story"])
    return found, data


def plain(value: object) -> object:
    """Return a value of an ITF trace; AssertionError where it is not of the format."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, list):
        return [plain(each) for each in value]
    assert isinstance(value, dict), f"no value of the format: {value!r}"
    special = [name for name in value if name.startswith("#")]
    if not special:
        return {name: plain(each) for name, each in value.items()}
    assert len(value) == 1
    (name,) = special
    inner = value[name]
    if name == "#bigint":
        assert isinstance(inner, str)
        return int(inner)
    assert isinstance(inner, list)
    if name == "#map":
        assert all(isinstance(pair, list) and len(pair) == 2 for pair in inner)
        return {json.dumps(plain(key)): plain(each) for key, each in inner}
    assert name in {"#set", "#tup"}
    values = [plain(each) for each in inner]
    assert name == "#tup" or len({json.dumps(each) for each in values}) == len(values)
    return values
