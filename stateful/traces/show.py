"""A finding as text: the last events in lanes, and the states that were possible."""

import json
from collections.abc import Sequence
from typing import Final

from spec.explore import trace
from stateful.traces.schema import Line
from stateful.traces.world import World

LAST: Final = 16
"""Events shown."""
STATES_MOST: Final = 3
"""States shown."""
_WIDEST: Final = 34
_MORE: Final = 500
"""Characters of the writer's own keys that are shown."""


def touches(line: Line) -> str:
    """Return what an event touched, with versions."""
    return ", ".join(f"{name} {number} version {version}" for name, number, version in line.touched) or "nothing"


def impossible(worlds: Sequence[World], lines: Sequence[Line]) -> str:
    """Return what there is to say about the last of `lines`, which none of `worlds` allows."""
    line = lines[-1]
    guard = (line.action.guard.__doc__ or "").strip().splitlines()[0]
    said = [f"  {line.task}; {line.action.name} ({line.action.kernel}) needs: {guard}"]
    if line.more:
        said.append(f"  it also has {json.dumps(line.more)[:_MORE]}")
    said += ["", lanes(lines[-LAST:])]
    for number, world in enumerate(worlds[:STATES_MOST]):
        said += ["", f"  possible before it, state {number + 1} of {len(worlds)}", *_parts(world, line)]
    return "\n".join(said)


def lanes(lines: Sequence[Line]) -> str:
    """Return events below each other, each in the lane of its task."""
    tasks = list(dict.fromkeys(line.task for line in lines))
    said = {task: [line.said if line.task == task else "" for line in lines] for task in tasks}
    widths = [min(_WIDEST, max(map(len, [task, *said[task]]))) for task in tasks]
    rows = ["  " + "line".rjust(9) + "  " + "  ".join(map(str.ljust, tasks, widths))]
    for place, line in enumerate(lines):
        cells = "  ".join(said[task][place].ljust(width) for task, width in zip(tasks, widths, strict=True))
        rows.append(f"  {line.number:>9}  {cells}".rstrip())
    return "\n".join(rows)


def _parts(world: World, line: Line) -> list[str]:
    slots, blocks, reqs, readers = world.concerned(line.action, line.args)
    near = {"slot": slots, "blk": blocks, "req": reqs, "reader": readers}
    names = {f"{what} {number}" for what, numbers in near.items() for number in numbers}
    said = trace.parts(world.state(), names | {"pass", "budget", "counts"})
    return [f"    {name:<9} {text}" for name, text in said.items()]
