"""The page of a run: valid, without network, right in each step, and an answer to each of the three questions."""

import base64
import hashlib
import json
import re

import pytest

from spec.explore.stopped import BY_NAME, enabled
from spec.explore.trace import parts
from spec.outputs.itf import VARS, encoded, itf, owners
from spec.outputs.page import page
from spec.outputs.story import NOTHING, RunStory
from tests.spec.outputs.stories import BUGS, Reader, plain, read_page, shown_of

SOME = ("leak_on_error", "late_charge", "not_drained", "read_not_checked")


@pytest.mark.parametrize("name", BUGS)
def test_the_step_of_the_bug_is_the_one_that_is_stopped(name: str) -> None:
    made = shown_of(name)
    assert made.stopped.at > 0
    step = made.steps[made.stopped.at - 1]
    assert step.action in {action.name for action in BUGS[name].replaced}
    guard = made.stopped.guards[0]
    assert guard.action == step.text
    assert guard.holds == all(condition.holds for condition in guard.conditions)
    assert guard.holds == bool(made.stopped.differences)
    assert made.history


@pytest.mark.parametrize("name", BUGS)
def test_a_task_is_preempted_only_where_it_could_continue(name: str) -> None:
    made = shown_of(name)
    before = made.start
    for number, step in enumerate(made.steps, 1):
        changes = number > 1 and step.lane != made.steps[number - 2].lane
        assert (step.switch is not None) == changes
        if step.switch is not None:
            leaves = made.steps[number - 2].lane
            assert (step.switch.leaves, step.switch.enters) == (leaves, step.lane)
            assert step.switch.preempts == (leaves != "user" and bool(enabled(leaves, before)))
        before = step.state


@pytest.mark.parametrize("name", SOME)
def test_each_step_of_the_data_is_that_of_the_run(name: str) -> None:
    made = shown_of(name)
    reader, data = read_page(made)
    texts, names, steps = data["texts"], data["names"], data["steps"]
    assert isinstance(texts, list)
    assert isinstance(steps, list)
    assert names == list(parts(made.start))
    before = made.start
    assert len(steps) == len(made.steps)
    for row, step in zip(steps, made.steps, strict=True):
        assert (row["lane"], row["text"], row["kernel"]) == (step.lane, step.text, BY_NAME[step.action].kernel)
        said, was = parts(step.state), parts(before)
        assert [texts[number] for number in row["state"]] == list(said.values())
        assert row["changed"] == [part for part in said if said[part] != was[part]]
        used = {f"blk {b}" for b, block in enumerate(step.state.blocks) if block.used}
        assert used <= set(row["owners"])
        assert row["budget"][1] == step.state.budget.limit
        before = step.state
    assert (data["rule"], data["stopped"]) == (made.rule, made.stopped.at)
    assert [value for tag, key, value in reader.attributes if (tag, key) == ("tr", "data-step")] == [
        str(number) for number in range(1, len(steps) + 1)
    ]


@pytest.mark.parametrize("name", SOME)
def test_the_page_answers_the_three_questions_without_a_script(name: str) -> None:
    made = shown_of(name)
    text = re.sub(r"<script.*", "", page(made, parts), flags=re.DOTALL)
    broke, preempted, guard = re.findall(r"<article.*?</article>", text, re.DOTALL)
    assert made.rule in broke
    assert all(switch.text in preempted for _number, switch in made.switches)
    assert ("Nobody" in preempted) == (not any(switch.preempts for _number, switch in made.switches))
    assert made.stopped.guards[0].sentence in guard
    assert f'data-step="{made.stopped.at}"' in guard
    assert all(bug.name in text for bug in made.history)


def test_the_page_loads_nothing_and_allows_only_its_own_texts() -> None:
    text = page(shown_of("leak_on_error"), parts)
    reader = Reader(text)
    loads = [
        (tag, name, value) for tag, name, value in reader.attributes if name in {"src", "href", "action", "srcset"}
    ]
    assert loads == []
    assert re.findall(r"https?:|//\w|@import|url\(|fetch\(|XMLHttp|import\(", text.replace("// Draws", "")) == []
    (policy,) = [
        value for tag, name, value in reader.attributes if (tag, name) == ("meta", "content") and "src" in value
    ]
    hashes = {
        name: "sha256-" + base64.b64encode(hashlib.sha256(reader.texts[name].encode()).digest()).decode()
        for name in ("style", "script")
    }
    assert policy == (
        f"default-src 'none'; style-src '{hashes['style']}'; script-src '{hashes['script']}'; base-uri 'none'"
    )
    assert [name for _tag, name, _value in reader.attributes if name == "style" or name.startswith("on")] == []


def test_text_that_looks_like_html_stays_text() -> None:
    made = shown_of("leak_on_error")
    evil = "</script><script>alert(1)</script><!--"
    step = made.steps[0]._replace(text=evil)
    reader, data = read_page(made._replace(title=evil, message=evil, steps=(step, *made.steps[1:])))
    assert [tag for tag, _name, _value in reader.attributes].count("script") == 2
    steps = data["steps"]
    assert isinstance(steps, list)
    assert steps[0]["text"] == evil


def test_a_run_that_passed_has_a_page_as_well() -> None:
    made = shown_of("leak_on_error")
    passed = made._replace(rule="", sentence="", message="", stopped=NOTHING, history=(), steps=made.steps[:5])
    text = page(passed, parts)
    assert "Nothing: every property held" in text
    assert NOTHING.headline in text
    Reader(text)


def test_the_state_of_a_device_that_differs_is_shown() -> None:
    made = shown_of("leak_on_error")
    _reader, data = read_page(made._replace(device=made.start))
    device = data["device"]
    assert isinstance(device, dict)
    start = data["start"]
    assert isinstance(start, dict)
    assert device["state"] == start["state"]


# --- ITF -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOME)
def test_an_itf_trace_has_every_state_in_full(name: str) -> None:
    made = shown_of(name)
    trace = json.loads(itf(made))
    assert trace["#meta"]["format"] == "ITF"
    assert (trace["vars"], trace["params"]) == (list(VARS), [])
    assert len(trace["states"]) == len(made.steps) + 1
    runs = [("init", made.start), *((step.action, step.state) for step in made.steps)]
    for index, (state, (action, known)) in enumerate(zip(trace["states"], runs, strict=True)):
        assert state.pop("#meta") == {"index": index}
        assert set(state) == set(VARS)
        found = {variable: plain(value) for variable, value in state.items()}
        assert found["action"] == action
        assert found["slots"] == [slot._asdict() for slot in known.slots]
        assert found["blocks"] == [block._asdict() for block in known.blocks]
        assert found["budget"] == known.budget._asdict()
        assert (found["running"], found["held"]) == (known.running, known.held)
        assert found["owners"] == {str(block): sorted(names) for block, names in owners(known).items()}


def test_every_kind_of_value_is_encoded_as_the_format_says() -> None:
    assert encoded(True) is True
    assert encoded("text") == "text"
    assert encoded(-(1 << 70)) == {"#bigint": "-1180591620717411303424"}
    assert encoded((1, (2,))) == [{"#bigint": "1"}, [{"#bigint": "2"}]]
    assert encoded(frozenset({"b", "a"})) == {"#set": ["a", "b"]}
    assert encoded({1: frozenset[str]()}) == {"#map": [[{"#bigint": "1"}, {"#set": []}]]}
    with pytest.raises(AssertionError, match="value must be of a kind that ITF has, got float"):
        encoded(1.5)


def test_only_steps_of_the_specification_are_states() -> None:
    made = shown_of("leak_on_error")
    noted: RunStory = made._replace(steps=(made.steps[0]._replace(action="", kind="call", text="[write"), *made.steps))
    assert itf(noted) == itf(made)
