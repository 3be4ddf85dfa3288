"""The shortest way to a weakness, played on the kernel: a search over moves that a script can make.

A script cannot stop the driver between two of its own steps. So a move of this search is something from outside (a
write, a store to `writeback`, a gated answer) and then everything that the driver does by itself until it waits; the
steps are the specification's. What is reached is turned into operations and gate moves, and the trace is judged.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from spec.model.actions import ACTIONS
from spec.model.state import ANSWERED, ASKED, AT_REST, HELD, IDLE, PENDING, State, initial
from spec.model.tables import EMPTY, NONE, PP_SLOT, STORED, WB
from tests.kernel.workloads import PAGE, Workload

_BY_NAME: Final = {action.name: action for action in ACTIONS}
_SIZE: Final = 2
"""Pages, and blocks; one request and one reader are enough."""


class Move(NamedTuple):
    """Verbs of a script: `write`, `discard`, `writeback`, `read` of a page; `written` or `read_on`: an answer."""

    name: str
    number: int


def shortest(*, foreign: bool = False, most: int = 12) -> list[Move]:
    """Return the fewest moves after which a read returns bytes of a block that was written to since it began.

    With `foreign`, of a block that another page was written to.

    Raises:
        LookupError: There is no such way of at most so many moves.
    """
    start = initial(_SIZE, _SIZE, 1, None, 1)
    ways: dict[State, tuple[Move, ...]] = {start: ()}
    todo = deque([start])
    while todo:
        state = todo.popleft()
        if len(ways[state]) == most:
            break
        for move, after in _moves(state):
            if move.name == "read_on" and _is_wrong(state, foreign=foreign):
                return [*ways[state], move]
            if after not in ways:
                ways[after] = (*ways[state], move)
                todo.append(after)
    raise LookupError(f"a way must have at most {most} moves, got none in {len(ways)} states")


def _is_wrong(state: State, *, foreign: bool) -> bool:
    """Return whether the device's answer to the read that waits is not the page's."""
    reader = state.readers[0]
    if reader.sound or not foreign:
        return not reader.sound
    block = state.blocks[reader.blk]
    return block.io != PENDING and block.holds not in (NONE, reader.slot)


def _moves(state: State) -> Iterator[tuple[Move, State]]:
    """Yield every move and the state in which the driver waits after it."""
    for page in range(_SIZE):
        yield Move("write", page), _take(state, "write", page, 1)
        if state.slots[page].kind != EMPTY:
            yield Move("discard", page), _take(state, "discard", page)
        if state.running == AT_REST and state.slots[page].kind == STORED:
            begun = _take(_take(_take(state, "begin_pass"), "scan", page), "end_scan")
            yield Move("writeback", page), _settled(begun)
        if state.slots[page].kind == WB and state.readers[0].phase == IDLE:
            yield Move("read", page), _take(state, "read_begin", page, 0)
    for number, block in enumerate(state.blocks):
        if block.io == PENDING:
            yield Move("written", number), _settled(_take(state, "device_ok", number))
    if state.readers[0].phase == ASKED:
        answered = _take(state, "read_answer", 0)
        assert answered.readers[0].phase == ANSWERED, "an answer is one"
        # The driver returns what it got, whatever became of the slot.
        ended = "read_end" if answered.readers[0].valid else "read_retry"
        yield Move("read_on", 0), _take(answered, ended, 0)


def _settled(state: State) -> State:
    """Run the pass and the callbacks until they wait for the device, or the pass is over."""
    while (step := _driver_step(state)) is not None:
        state = _take(state, *step)
    return state


def _driver_step(state: State) -> tuple[str, *tuple[int, ...]] | None:
    """Return what the driver does next by itself; lowest block first, as it does."""
    request = state.reqs[0]
    free = next((number for number, block in enumerate(state.blocks) if not block.used), NONE)
    candidate = next((page for page, queued in enumerate(state.queued) if queued), NONE)
    claimed = candidate > NONE and state.slots[candidate].kind == PP_SLOT
    for name, args in (
        ("endio_queue", (0,)),
        ("endio_leave", (0,)),
        ("reap", (0,)),
        ("take_request", (0,)),
        ("reserve_block", (free,)),
        ("submit", (candidate, 0)),
        ("skip", (candidate,)),
        ("end_pass", ()),
    ):
        needs_candidate = name in ("submit", "skip")
        if (needs_candidate and candidate == NONE) or (name == "submit" and not claimed):
            continue
        if name == "reserve_block" and (free == NONE or request.phase != HELD):
            continue
        if _BY_NAME[name].guard(state, *args):
            return (name, *args)
    return None


def _take(state: State, name: str, *args: int) -> State:
    action = _BY_NAME[name]
    assert action.guard(state, *args), f"{name}{args} is possible where a script does it"
    return action.effect(state, *args)


def workload(moves: Sequence[Move]) -> Workload:
    """Turn moves into a script: writes and reads of the backing device are held, and answered one at a time."""
    # The file is as large as the gated device: who converts the trace learns the number of blocks from it.
    before = [f"mkbd 0 {_SIZE * PAGE}", f"nbd {_SIZE}", "store backing_dev /dev/nbd0", "store writeback_batch_size 1"]
    lines = ["gate rw"]
    waiting: list[str] = []
    passes = False
    for number, move in enumerate(moves):
        match move.name:
            case "write":
                lines.append(f"write {move.number} 1 rand {1000 * (move.number + 1) + number} 0")
            case "discard":
                lines.append(f"discard {move.number * PAGE} {PAGE}")
            case "writeback":
                lines += [*(["join"] if passes else []), f"bg_store writeback page_index={move.number}"]
                waiting.append("w")
                lines.append(f"pending {len(waiting)}")
                passes = True
            case "read":
                lines.append(f"bg_read {move.number}")
                waiting.append("r")
                lines.append(f"pending {len(waiting)}")
            case "written":
                lines.append(f"go {waiting.index('w')}")
                waiting.remove("w")
            case "read_on":
                lines += [f"go {waiting.index('r')}", "join_read"]
                waiting.remove("r")
            case _:
                raise ValueError(f"move must be one that a script makes, got {move.name}")
    lines += ["go all", "gate none", *(["join"] if passes else [])]
    return Workload([*before, f"store disksize {_SIZE * PAGE}"], lines)
