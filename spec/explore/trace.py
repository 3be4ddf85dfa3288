"""States and counterexamples as text, in the driver's words."""

from collections.abc import Callable, Container, Iterator, Sequence
from functools import partial
from typing import Final

from spec.explore.result import Counterexample
from spec.model.actions import ACTIONS, Action
from spec.model.state import IDLE, KEPT, Budget, Counts, Reader, Req, Slot, State
from spec.model.tables import KINDS, NONE
from spec.processes.columns import folded

_PHASES: Final = ("idle", "held", "in flight", "done", "done with an error")
_IO: Final = ("", "write pending", "written, endio due", "write failed, endio due")
_READING: Final = ("idle", "asked", "answered", "page kept")
_RUNNING: Final = ("at rest", "scanning", "writing")
_ACTORS: Final = ("user", "pass", "device")
_SHORT: Final = {"block": "blk", "free_block": "blk", "request": "req", "idle_request": "req", "idle_reader": "reader"}
_FUNCTION: Final = "kernel function"
_BETWEEN: Final = 12
"""Characters of a line of lanes besides what is in them."""
_BY_NAME: Final = {action.name: action for action in ACTIONS}


def parts(s: State, only: Container[str] | None = None) -> dict[str, str]:
    """Return what there is to say about each thing in the state, by its name; with `only`, about those alone."""
    said: dict[str, Callable[[], str]] = {}
    said |= {f"slot {i}": partial(_slot, slot, q) for i, (slot, q) in enumerate(zip(s.slots, s.queued, strict=True))}
    said |= {f"blk {b}": partial(_block, s, b) for b in range(len(s.blocks))}
    said |= {f"req {r}": partial(_request, req) for r, req in enumerate(s.reqs)}
    said |= {f"reader {k}": partial(_reader, reader) for k, reader in enumerate(s.readers)}
    said["pass"] = partial(_pass, s)
    said["budget"] = partial(_budget, s.budget)
    said["counts"] = partial(_counts, s.counts)
    return {name: text() for name, text in said.items() if only is None or name in only}


def state(s: State, other: State | None = None, columns: int | None = None) -> str:
    """Return `s` on a few lines; what is different in `other` is marked with a star."""
    here, there = parts(s), parts(other or s)
    marks = {name: "*" if text != there[name] else " " for name, text in here.items()}
    lines = [folded(text, columns, " " * 12, first=f"{marks[name]} {name:<9} ") for name, text in here.items()]
    return "\n".join(line for each in lines for line in each)


def difference(before: State, after: State) -> str:
    """Return what changes between two states, a line each."""
    old, new = parts(before), parts(after)
    return "\n".join(f"{name}: {old[name]} -> {new[name]}" for name in old if old[name] != new[name])


def counterexample(found: Counterexample, columns: int | None = None) -> str:
    """Return the property, the way to break it, and where it ends, in so many columns."""
    lines = [
        f"{found.name} is broken after {len(found.steps)} steps:",
        *folded(found.sentence, columns, "  "),
        "",
        *_lanes(found.steps, columns),
    ]
    if found.before != found.after:
        lines += ["", "before", state(found.before, found.after, columns)]
        lines += ["", "after", state(found.after, found.before, columns)]
    else:
        lines += ["", "there", state(found.after, columns=columns)]
    return "\n".join(lines)


def step(text: str) -> str:
    """Return a step as a search names it, with the names of its parameters."""
    name, _, values = text.removesuffix(")").partition("(")
    over = _BY_NAME[name].over
    said = [f"{_SHORT.get(what, what)} {value}" for what, value in zip(over, values.split(", "), strict=bool(over))]
    return f"{name}({', '.join(said)})" if said else name


def _lanes(steps: tuple[str, ...], columns: int | None) -> Iterator[str]:
    """Yield the steps, each in the lane of who takes it, with the kernel function beside it; see `_narrow`."""
    taken = [(_BY_NAME[text.partition("(")[0]], step(text)) for text in steps]
    lanes = {actor: [text if action.actor == actor else "" for action, text in taken] for actor in _ACTORS}
    widths = {actor: max(map(len, [actor, *lane])) for actor, lane in lanes.items()}
    functions = max(map(len, [_FUNCTION, *(action.kernel for action, _text in taken)]))
    if columns is not None and sum(widths.values()) + functions > columns - _BETWEEN:
        yield from _narrow(taken, columns)
        return
    yield "      " + "  ".join(actor.ljust(widths[actor]) for actor in _ACTORS) + f"  {_FUNCTION}"
    for number, (action, _text) in enumerate(taken):
        cells = "  ".join(lane[number].ljust(widths[actor]) for actor, lane in lanes.items())
        yield f"{number + 1:>4}  {cells}  {action.kernel}"


def _narrow(taken: Sequence[tuple[Action, str]], columns: int) -> Iterator[str]:
    """Yield the steps, each with who takes it; the kernel function is beside it, or beneath where it does not fit."""
    actor = max(map(len, _ACTORS))
    for number, (action, text) in enumerate(taken, start=1):
        line = f"{number:>4}  {action.actor:<{actor}}  {text}"
        beside = f"{line}  {action.kernel}"
        yield from [beside] if len(beside) <= columns else [line, f"{'':{actor + 8}}{action.kernel}"]


def _slot(slot: Slot, queued: int) -> str:
    place = [f"at blk {slot.blk}"] if slot.blk > NONE else []
    marks = [name for name in ("huge", "idle") if getattr(slot, name)]
    waiting = ["(its pp_slot is in a bucket)"] if queued else []
    return " ".join([KINDS[slot.kind], *place, *marks, *waiting])


def _owners(s: State, b: int) -> str:
    slots = [f"slot {i}" for i, slot in enumerate(s.slots) if slot.blk == b]
    reqs = [f"req {r}" for r, req in enumerate(s.reqs) if req.blk == b]
    return " and ".join([*slots, *reqs, *["the pass"][: s.held == b]])


def _block(s: State, b: int) -> str:
    block, owners = s.blocks[b], _owners(s, b)
    use = f"of {owners or 'nobody'}" if block.used else "free" + (f", but of {owners}" if owners else "")
    holds = f"holds page {block.holds}" if block.holds > NONE else ""
    return ", ".join(text for text in (use, _IO[block.io], holds) if text)


def _request(req: Req) -> str:
    where = [f"slot {req.slot} to blk {req.blk}"] if req.slot > NONE or req.blk > NONE else []
    charge = [f"charged to grant {req.grant}"] if req.grant else []
    inside = ["its callback is inside the pass"] if req.inside else []
    return ", ".join([_PHASES[req.phase], *where, *charge, *inside])


def _reader(reader: Reader) -> str:
    where = [f"slot {reader.slot} from blk {reader.blk}"] if reader.phase else []
    stale = ["slot replaced since"] if reader.phase and not reader.valid else []
    foreign = ["may get another page's bytes"] if IDLE < reader.phase < KEPT and not reader.sound else []
    return ", ".join([_READING[reader.phase], *where, *stale, *foreign])


def _pass(s: State) -> str:
    return _RUNNING[s.running] + (f", holds blk {s.held}" if s.held > NONE else "")


def _budget(budget: Budget) -> str:
    switch = "" if budget.enabled else "disabled, "
    left = f"{budget.limit} of {budget.granted} left"
    return f"{switch}grant {budget.grant}: {left}, {budget.spent} written"


def _counts(counts: Counts) -> str:
    return f"{counts.stored} stored, {counts.same} same, {counts.huge} huge, bd_count {counts.bd_count}"
