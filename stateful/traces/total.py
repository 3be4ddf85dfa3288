"""Total actions: what happens whatever the slot is, and which step of the specification that is in a given state.

Who watches a driver from outside sees an access, a free, a pp_slot given back; what that does depends on the slot, and
the state knows that better than any memory of the watcher.
"""

from collections.abc import Callable, Mapping
from typing import Final

from spec.model.actions import ACTIONS, Action
from spec.model.state import State
from spec.model.tables import EMPTY, PP_SLOT, WB
from stateful.traces.world import World


def _anything(_s: State, *_args: int) -> bool:
    """Nothing forbids it."""
    return True


def _nothing(s: State, *_args: int) -> State:
    """See `resolve`."""
    return s


TOTALS: Final = tuple(
    Action(name, actor, (over,), _anything, _nothing, kernel)
    for name, actor, over, kernel in (
        ("access", "user", "slot", "mark_slot_accessed"),
        ("free", "user", "slot", "zram_slot_free_notify"),
        ("drop", "pass", "slot", "release_pp_slot"),
        ("read_checked", "user", "reader", "zram_deferred_decompress"),
        ("read_failed", "user", "reader", "zram_async_read_endio"),
    )
)
_SPECIFIED: Final = {action.name: action for action in ACTIONS}


def resolve(world: World, action: Action, args: tuple[int, ...]) -> Action | None:
    """Return the action of the specification that this is in a state; None when it is no step."""
    if action.name not in _RESOLVED:
        return action
    name = _RESOLVED[action.name](world, args[0])
    return None if name is None else _SPECIFIED[name]


def _access(world: World, slot: int) -> str | None:
    return None if world.slots[slot].kind in (EMPTY, WB) else "read"


def _free(world: World, slot: int) -> str | None:
    return None if world.slots[slot].kind == EMPTY else "discard"


def _drop(world: World, slot: int) -> str:
    return "give_up" if world.slots[slot].kind == PP_SLOT else "skip"


def _read_checked(world: World, reader: int) -> str:
    """The driver looks at one mark of the slot: whether it is written back, wherever to."""
    return "read_end" if world.slots[world.readers[reader].slot].kind == WB else "read_retry"


def _read_failed(world: World, reader: int) -> str:
    return "read_end" if world.readers[reader].valid else "read_retry"


_RESOLVED: Final[Mapping[str, Callable[[World, int], str | None]]] = {
    "access": _access,
    "free": _free,
    "drop": _drop,
    "read_checked": _read_checked,
    "read_failed": _read_failed,
}
assert set(_RESOLVED) == {action.name for action in TOTALS}, "each total action is resolved"
