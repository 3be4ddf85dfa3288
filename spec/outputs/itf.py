"""A story in the Informal Trace Format, which viewers of traces of other model checkers open: every state in full."""

import json
from collections.abc import Mapping
from typing import Final

from spec.model.state import State
from spec.outputs.story import RunStory, StoryStep

_DESCRIPTION: Final = "https://apalache-mc.org/docs/adr/015adr-trace.html"
_OF_STEP: Final = ("lane", "action", "args")
VARS: Final = (*State._fields, "owners", *_OF_STEP)
"""The state, who owns each block in use, and the step that led here."""


def itf(story: RunStory) -> str:
    """Return the trace: the state before everything, then one for each step of the specification."""
    steps = [step for step in story.steps if step.action]
    states = [_state(0, story.start, None), *(_state(n, step.state, step) for n, step in enumerate(steps, 1))]
    meta = {
        "format": "ITF",
        "format-description": _DESCRIPTION,
        "source": story.again,
        "status": "violation" if story.rule else "ok",
        "description": story.message or story.title,
    }
    return json.dumps({"#meta": meta, "params": [], "vars": list(VARS), "states": states}, separators=(",", ":")) + "\n"


def _state(index: int, s: State, step: StoryStep | None) -> Mapping[str, object]:
    found: dict[str, object] = {"#meta": {"index": index}}
    found |= {name: encoded(value) for name, value in s._asdict().items()}
    found["owners"] = encoded(owners(s))
    found["lane"] = step.lane if step else ""
    found["action"] = step.action if step else "init"
    found["args"] = {"#tup": [encoded(value) for value in step.args] if step else []}
    return found


def encoded(value: object) -> object:
    """Return a value as ITF writes it: a row with names as a record, one without as a sequence."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return {"#bigint": str(value)}
    if isinstance(value, frozenset):
        return {"#set": [encoded(each) for each in sorted(value)]}
    if isinstance(value, Mapping):
        return {"#map": [[encoded(key), encoded(each)] for key, each in value.items()]}
    assert isinstance(value, tuple), f"value must be of a kind that ITF has, got {type(value).__name__}"
    fields: tuple[str, ...] = getattr(value, "_fields", ())
    if fields:
        return {name: encoded(each) for name, each in zip(fields, value, strict=True)}
    return [encoded(each) for each in value]


def owners(s: State) -> Mapping[int, frozenset[str]]:
    """Return who owns each block that is in use or owned; a block in use without an owner is leaked."""
    found: dict[int, set[str]] = {b: set() for b, block in enumerate(s.blocks) if block.used}
    owned = [(slot.blk, f"slot {i}") for i, slot in enumerate(s.slots)]
    owned += [(req.blk, f"req {r}") for r, req in enumerate(s.reqs)]
    for block, owner in [*owned, (s.held, "pass")]:
        if block >= 0:
            found.setdefault(block, set()).add(owner)
    return {block: frozenset(names) for block, names in sorted(found.items())}
