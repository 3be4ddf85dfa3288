"""A run as text: what the program does, a lane per task with the preemptions marked, the verdict."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from spec.model.state import State
from spec.processes.columns import folded
from stateful.schedules.device_harness import playable
from stateful.schedules.policies import NondeterminismError
from stateful.schedules.program import BEFORE, LANES, TaskProgram
from stateful.schedules.run import Execution, execute_twice, policy_of, run_harness, stage_of
from stateful.schedules.scheduler import ScheduledRuntime
from stateful.schedules.token import decode, encode


class LaneRow(NamedTuple):
    """A step of a task, or a preemption of it."""

    task: str
    text: str
    preempted: bool = False
    enters: str = ""
    """The task that runs instead, of a preemption and of a wait."""


class Watched(NamedTuple):
    """An execution and all that was seen of it."""

    played: Execution
    rows: list[LaneRow]
    """Of its lanes."""
    start: State
    """The state of the specification before the first step."""
    taken: Sequence[tuple[str, tuple[int, ...]]]
    """The steps and their parameters; each has its row."""


def watched(what: TaskProgram) -> Watched:
    """Run a program under its own preemptions."""
    rows: list[LaneRow] = []
    policy = policy_of(what)

    def choose(ready: Sequence[int], can_run: bool) -> int:
        taken = policy(ready, can_run)
        if taken and stage.runtime.current is not None:
            at = _before(stage.runtime)
            text, enters = f"preempted before {at}" if can_run else "waits", stage.runtime.name_of(ready[taken])
            rows.append(LaneRow(stage.runtime.current.name, text, can_run, enters))
        return taken

    def tell(text: str) -> None:
        task = stage.runtime.current
        rows.append(LaneRow(task.name if task is not None else "main", text))

    what = playable(what)
    stage = stage_of(what, choose)
    stage.watch(tell)
    played = run_harness(stage, what)
    return Watched(played._replace(what=what), rows, stage.start, stage.taken)


def _before(runtime: ScheduledRuntime) -> str:
    return runtime.trace[-1][1] if runtime.trace else "the start"


def draw(rows: Sequence[LaneRow], columns: int | None = None) -> str:
    """Return a lane per task, one row each; where the lanes do not fit into so many columns, the task before each."""
    names = list(dict.fromkeys(row.task for row in rows))
    widths = {name: max(len(name), *(len(row.text) for row in rows if row.task == name)) for name in names}
    lines = ["   " + "  ".join(name.ljust(widths[name]) for name in names).rstrip()]
    for row in rows:
        cells = (row.text if name == row.task else "" for name in names)
        text = "  ".join(cell.ljust(widths[name]) for cell, name in zip(cells, names, strict=True))
        lines.append((" > " if row.preempted else "   ") + text.rstrip())
    if columns is not None and max(map(len, lines)) > columns:
        beside = max(map(len, names))
        marks = [(" > " if row.preempted else "   ") + row.task.ljust(beside) for row in rows]
        return "\n".join(
            line
            for mark, row in zip(marks, rows, strict=True)
            for line in folded(row.text, columns, " " * (beside + 5), first=f"{mark}  ")
        )
    return "\n".join(lines)


def describe(what: TaskProgram) -> Iterable[str]:
    """Yield a program line by line."""
    yield f"sizes    {what.blocks} blocks, batch size {what.batch}, {what.threads} thread{'s' * (what.threads > 1)}"
    before = "; ".join(["write(0)", "write(1)", *(op.text for op in what.lane(BEFORE))])
    yield f"before   {before}"
    for lane in range(LANES):
        if what.lane(lane):
            yield f"lane {lane}   {'; '.join(op.text for op in what.lane(lane))}"
    for fault in what.faults:
        yield f"fault    {fault.text}"
    for each in what.preemptions:
        yield f"preempt  at choice {each.step}: alternative {each.alternative} runs"


def story(what: TaskProgram, columns: int | None = None) -> str:
    """Run a program; return its text, its lanes and the verdict."""
    seen = watched(what)
    return "\n".join([*describe(what), "", draw(seen.rows, columns), "", verdict(seen.played)])


def verdict(played: Execution) -> str:
    """Return the verdict in one line."""
    if played.error is None:
        return "verdict  passed"
    sentence = str(played.error).partition("; after ")[0]
    kind = "" if played.found in sentence else f"{played.found}: "
    return f"verdict  FAILED {kind}{sentence}"


def replay(token: str, say: Callable[[str], None], columns: int | None = None) -> bool:
    """Run a token twice, print lanes and verdict; return whether it passed.

    Raises:
        BadTokenError: It is not a token.
    """
    what = decode(token)
    say(f"token    {encode(what)}")
    say(story(what, columns).rpartition("\n")[0])
    try:
        played = execute_twice(what)
    except NondeterminismError as error:
        say(f"verdict  NondeterminismError: {error}")
        return False
    say(f"replayed twice: deterministic ({len(played.schedule)} choices, {played.points} points)")
    say(verdict(played))
    return played.error is None
