"""A page of a run in a headless browser, clicked through; `make browser` runs it, `make test` does not.

It needs Chromium (Debian's package `chromium`, or any whose path is in CHROMIUM) and playwright (`pip install --group
browser`); without them it is skipped, and says in one line what is missing.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pytest

from docs import draw_bug_pages
from spec.outputs.verdicts import ROOT
from tests.spec.outputs.stories import Reader

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
if CHROMIUM is None:
    pytest.skip("no Chromium: install Debian's package, or name one in CHROMIUM", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install --group browser")

PAGES = sorted(path.name for path in draw_bug_pages.FOLDER.glob("*.html"))
GROUPS = ("slot", "blk", "req", "reader")
SHOTS = ROOT / "build" / "screenshots"


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


class Shown:
    """A page in the browser, and all that went wrong with it."""

    def __init__(self, browser: "Browser", name: str, *, dark: bool = False) -> None:
        self.page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark" if dark else "light")
        self.wrong: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.address = (draw_bug_pages.FOLDER / name).as_uri()
        self.page.goto(self.address)
        text = (draw_bug_pages.FOLDER / name).read_text(encoding="utf-8")
        self.story = json.loads(Reader(text).texts["story"])

    @property
    def step(self) -> int:
        return int(self.page.input_value("#slider"))

    def press(self, key: str) -> int:
        self.page.keyboard.press(key)
        return self.step

    def text(self, selector: str) -> str:
        found: str = self.page.inner_text(selector)
        return found

    def card(self, name: str) -> str:
        """The text of one thing of the state."""
        return self.text(f"#state [data-name='{name}'] .text")

    def drawn(self) -> Mapping[str, object]:
        """All that is drawn: each thing of the state, what is marked as changed, the rows that are marked."""
        found: Mapping[str, object] = self.page.evaluate(DRAWN)
        return found


DRAWN = """() => ({
  cards: [...document.querySelectorAll("#state .card")].map((card) =>
    [card.dataset.name, card.querySelector(".text").textContent]),
  changed: [...document.querySelectorAll("#state .changed")].map((card) => card.dataset.name),
  rows: [...document.querySelectorAll("tr[aria-current]")].map((row) => row.dataset.step),
})"""


@pytest.fixture
def shown(browser: "Browser", request: pytest.FixtureRequest) -> Iterator[Shown]:
    made = Shown(browser, request.param)
    yield made
    made.page.close()
    assert made.wrong == []
    assert made.requests == [made.address]


@pytest.mark.parametrize("shown", PAGES, indirect=True)
def test_every_step_is_drawn_as_the_data_says(shown: Shown) -> None:
    """From the start to the end with the arrow: each card's text, what is marked as changed, the row that is marked."""
    story = shown.story
    assert shown.press("Home") == 0
    states = [story["start"], *story["steps"]]
    for number, state in enumerate(states):
        assert shown.step == number
        texts = {name: story["texts"][text] for name, text in zip(story["names"], state["state"], strict=True)}
        order = sorted(texts, key=lambda name: [*GROUPS, name.partition(" ")[0]].index(name.partition(" ")[0]))
        assert shown.drawn() == {
            "cards": [[name, texts[name]] for name in order],
            "changed": [name for name in order if name in state.get("changed", [])],
            "rows": [str(number)] if number else [],
        }
        shown.press("ArrowRight")
    assert shown.step == len(story["steps"])


@pytest.mark.parametrize("shown", ["26.html", "07-device.html", "10-device.html"], indirect=True)
def test_the_keys_lead_to_every_switch_point_and_back(shown: Shown) -> None:
    steps = shown.story["steps"]
    points = [number for number, step in enumerate(steps, 1) if step["switch"]]
    shown.press("Home")
    assert [shown.press("n") for _point in points] == points
    assert shown.press("n") == points[-1]
    assert [shown.press("p") for _point in points[1:]] == points[-2::-1]
    assert [shown.press("End"), shown.press("ArrowLeft"), shown.press("Home"), shown.press("ArrowLeft")] == [
        len(steps), len(steps) - 1, 0, 0,
    ]  # fmt: skip
    for id_, step in {"last": len(steps), "first": 0, "on": 1, "next-switch": points[0], "back": points[0] - 1}.items():
        shown.page.click(f"#{id_}")
        assert shown.step == step
    shown.page.fill("#slider", "3")
    assert shown.text("#now").startswith("Step 3 of ")
    shown.page.click("#lanes tr[data-step='5'] th")
    assert shown.step == 5


@pytest.mark.parametrize("shown", ["26.html"], indirect=True)
def test_the_three_questions_are_answered(shown: Shown) -> None:
    """A read that returns another page's bytes: clicked through as somebody would who knows nothing of it."""
    assert "a_read_ends_with_a_value_the_page_held" in shown.text("#broke")
    shown.page.click("#broke button.goto")
    assert "Broken: a_read_ends_with_a_value_the_page_held." in shown.text("#now")

    preemptions = shown.page.locator("#preempted > ol > li")
    assert [text.partition(" before ")[0] for text in preemptions.all_inner_texts()] == [
        "step 10 device preempts pass", "step 14 user preempts pass", "step 20 user preempts device",
    ]  # fmt: skip
    preemptions.nth(1).locator("button").click()
    assert "Preemption: user preempts pass before take_request(req 0)." in shown.text("#now")
    assert shown.card("reader 0") == "asked, slot 0 from blk 0"

    guard = shown.text("#guard")
    assert "The guard of read_end(reader 0) is false: readers[0].valid == 1, but readers[0].valid is 0." in guard
    shown.page.click("#guard button.goto")
    assert shown.step == 20
    shown.press("ArrowLeft")
    assert "slot replaced since" in shown.card("reader 0")
    assert "A read returns a block that was reused" in shown.text("#history")


@pytest.mark.parametrize("shown", ["07-device.html"], indirect=True)
def test_a_leak_is_seen_in_the_device(shown: Shown) -> None:
    shown.press("End")
    assert "in the device: of nobody" in shown.text("#state [data-name='blk 1']")
    assert "No guard: each step is allowed, but the device did something else" in shown.text("#guard")


def test_dark_and_light_differ_and_both_can_be_read(browser: "Browser") -> None:
    grounds = []
    for dark in (False, True):
        made = Shown(browser, "26.html", dark=dark)
        rgb = [
            made.page.evaluate(f"getComputedStyle(document.body).{what}").removeprefix("rgb(").removesuffix(")")
            for what in ("backgroundColor", "color")
        ]
        ground, text = (sum(map(int, each.split(","))) / 3 for each in rgb)
        assert abs(ground - text) > 180
        grounds.append(ground)
        SHOTS.mkdir(parents=True, exist_ok=True)
        made.page.screenshot(path=SHOTS / f"page-{'dark' if dark else 'light'}.png")
        made.page.close()
    assert grounds[0] > 200
    assert grounds[1] < 50


def test_on_a_narrow_screen_nothing_is_wider_than_it(browser: "Browser") -> None:
    made = Shown(browser, "07-device.html")
    made.page.set_viewport_size({"width": 360, "height": 700})
    assert made.page.evaluate("document.documentElement.scrollWidth") <= 360
    made.page.close()


def test_without_scripts_the_answers_are_there(browser: "Browser") -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((draw_bug_pages.FOLDER / "26.html").as_uri())
    assert "readers[0].valid is 0" in page.inner_text("#guard")
    assert page.locator("#lanes tbody tr").count() == 20
    assert "drawn by a script" in page.inner_text("noscript")
    context.close()
