"""A story as one HTML page that needs nothing else: no network, no fonts, no library.

The three questions (what broke, who preempted whom, which guard should have stopped it) are answered in the HTML
itself; `page.js` adds the slider over the steps and draws the state at each.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from spec.model.state import State
from spec.outputs.itf import owners
from spec.outputs.story import RunStory, Switch
from spec.outputs.why import GuardVerdict

Parts = Callable[[State], Mapping[str, str]]
"""Returns what there is to say about each thing in a state, by its name."""

_FOLDER: Final = Path(__file__).resolve().parent


def page(story: RunStory, parts: Parts) -> str:
    """Return the page of a story."""
    style, script = (_FOLDER / "page.css").read_text("utf-8"), (_FOLDER / "page.js").read_text("utf-8")
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'"
    return Template((_FOLDER / "page.html").read_text("utf-8")).substitute(
        policy=escape(policy),
        title=escape(story.title),
        mistake=escape(story.mistake or "No bug is seeded."),
        again=escape(story.again),
        verdict="failed" if story.rule else "passed",
        broke=_broke(story),
        preempted=_preempted(story),
        guard=_guard(story),
        history=_history(story),
        lanes=_lanes(story),
        last=len(story.steps),
        style=style,
        script=script,
        # in a script element only `</` and `<!` could end or change what it is
        data=json.dumps(data(story, parts), separators=(",", ":")).replace("<", "\\u003c"),
    )


def _hash(text: str) -> str:
    """Return the name by which a content security policy allows an inline text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


# --- what the script draws from ------------------------------------------------------------------------------------


def data(story: RunStory, parts: Parts) -> Mapping[str, object]:
    """Return all that changes from step to step. Texts are stored once; a state is the numbers of its texts."""
    texts: dict[str, int] = {}

    def numbers(state: State) -> list[int]:
        return [texts.setdefault(text, len(texts)) for text in parts(state).values()]

    start = numbers(story.start)
    rows, before = list[Mapping[str, object]](), story.start
    for each in story.steps:
        said, now = parts(before), parts(each.state)
        rows.append(
            {
                "lane": each.lane,
                "text": each.text,
                "kind": each.kind,
                "action": each.action,
                "args": list(each.args),
                "needs": each.needs,
                "does": each.does,
                "kernel": each.kernel,
                "switch": each.switch and {"text": each.switch.text, "preempts": each.switch.preempts},
                "changed": [name for name in now if now[name] != said[name]],
                "state": numbers(each.state),
                "budget": _budget(each.state),
                "owners": _owners(each.state),
            }
        )
        before = each.state
    device = None if story.device is None else {"state": numbers(story.device), "owners": _owners(story.device)}
    return {
        "title": story.title,
        "rule": story.rule,
        "stopped": story.stopped.at,
        "names": list(parts(story.start)),
        "start": {"state": start, "budget": _budget(story.start), "owners": _owners(story.start)},
        "steps": rows,
        "device": device,
        "texts": list(texts),
    }


def _budget(s: State) -> list[int]:
    return [s.budget.enabled, s.budget.limit, s.budget.granted, s.budget.spent]


def _owners(s: State) -> Mapping[str, list[str]]:
    return {f"blk {block}": sorted(names) for block, names in owners(s).items()}


# --- the three answers, as HTML ------------------------------------------------------------------------------------


def _step_link(number: int, text: str = "") -> str:
    return f'<button type="button" class="goto" data-step="{number}">{escape(text or f"step {number}")}</button>'


def _broke(story: RunStory) -> str:
    if not story.rule:
        return "<p>Nothing: every property held at each step.</p>"
    said = f"<p><code>{escape(story.rule)}</code></p><p>{escape(story.sentence)}</p>"
    more = f"<p class='message'>{escape(story.message)}</p>" if story.message else ""
    return said + more + f"<p>It is noticed at the end: {_step_link(len(story.steps))}.</p>"


def _preempted(story: RunStory) -> str:
    real = [(number, each) for number, each in story.switches if each.preempts]
    rest = [(number, each) for number, each in story.switches if not each.preempts]
    first = f"<ol>{''.join(map(_switch, real))}</ol>" if real else "<p>Nobody: each task ran until it had to wait.</p>"
    if not rest:
        return first
    count = f"{len(rest)} switch{'es' * (len(rest) != 1)} where a task had to wait"
    return f"{first}<details><summary>{count}</summary><ol>{''.join(map(_switch, rest))}</ol></details>"


def _switch(numbered: tuple[int, Switch]) -> str:
    number, each = numbered
    return f"<li>{_step_link(number)} {escape(each.text)}</li>"


def _guard(story: RunStory) -> str:
    stopped = story.stopped
    lines = [f"<p>{escape(stopped.headline)}</p>"]
    if stopped.at:
        lines.append(f"<p>At {_step_link(stopped.at)}.</p>")
    lines += map(_conditions, stopped.guards)
    return "".join(lines)


def _conditions(guard: GuardVerdict) -> str:
    """Return a guard, taken apart: each of its conditions, whether it holds, and what was found."""
    rows = "".join(
        f'<li class="{"holds" if each.holds else "false"}"><b>{"holds" if each.holds else "false"}</b> '
        f"<code>{escape(each.text)}</code> <span>{escape(each.found)}</span></li>"
        for each in guard.conditions
    )
    word = "holds" if guard.holds else "is false"
    open_ = "" if guard.holds else " open"
    summary = f"the guard of <code>{escape(guard.action)}</code> {word}"
    return f"<details{open_}><summary>{summary}</summary><p>{escape(guard.sentence)}</p><ul>{rows}</ul></details>"


def _history(story: RunStory) -> str:
    if not story.history:
        return "<p>No bug of the kernel is known that breaks this property in this way.</p>"
    return "".join(
        f"<h3>{bug.number}: {escape(bug.name)}</h3><p>{escape(bug.did)}</p><p>Versions: {escape(bug.versions)}.</p>"
        for bug in story.history
    )


def _lanes(story: RunStory) -> str:
    """Return the steps as a table, a column a lane; a row that follows a switch says so."""
    heads = "".join(f'<th scope="col">{escape(lane)}</th>' for lane in story.lanes)
    rows = []
    for number, each in enumerate(story.steps, 1):
        marks = [each.kind, *(["switch-point"] if each.switch else []), *(["preempts"] * _preempts(each.switch))]
        marks += ["stopped"] * (number == story.stopped.at)
        cells = "".join(f"<td>{escape(each.text) if lane == each.lane else ''}</td>" for lane in story.lanes)
        sign = (
            f'<span title="{escape(each.switch.text)}">{"⇄" if each.switch.preempts else "↷"}</span>'
            if each.switch
            else ""
        )
        rows.append(
            f'<tr data-step="{number}" class="{" ".join(marks)}"><th scope="row">{number}</th><td>{sign}</td>{cells}'
            f"<td>{escape(each.kernel)}</td></tr>"
        )
    head = f'<tr><th scope="col">step</th><th scope="col"></th>{heads}<th scope="col">kernel function</th></tr>'
    return f"<thead>{head}</thead><tbody>{''.join(rows)}</tbody>"


def _preempts(switch: Switch | None) -> bool:
    return switch is not None and switch.preempts
