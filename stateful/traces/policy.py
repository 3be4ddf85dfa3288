"""Deviations of a driver from the specification, tolerated and counted so that a trace is judged to its end.

A deviation is not a step of the specification: the state follows the driver's. Each has a name and the number
of its entry in docs/driver-findings.md.
"""

from collections import Counter
from typing import Final, NamedTuple

from spec.model.actions import ACTIONS, Action
from spec.model.state import ANSWERED, AT_REST, SCANNING
from spec.model.tables import PP_SLOT, STORED
from stateful.traces.world import World

STALE: Final = "read_end of a replaced slot, bytes the page once had (26)"
UNSOUND: Final = "read_end of a replaced slot, bytes that may be another page's (26)"
DECODED: Final = "read_end of a replaced slot, the page's old object with another one's size (26)"
"""Only where blocks hold objects: the driver unpacks what was read as what the slot is by then."""
TWICE: Final = "second pp_slot of a slot (27)"
EARLY: Final = "give_up with budget and a free block (28)"
KEPT: Final = "reset keeps the limit (32)"
INSIDE: Final = "reap while the callback is inside (18)"
OUTLIVED: Final = "end_pass while a callback is inside (18)"
DEVIATIONS: Final = (STALE, UNSOUND, DECODED, TWICE, EARLY, KEPT, INSIDE, OUTLIVED)

_SCAN, _RETRY = (next(action for action in ACTIONS if action.name == name) for name in ("scan", "read_retry"))
_TAKES_PP_SLOT: Final = frozenset({"submit", "skip", "give_up"})


class Policy(NamedTuple):
    """Deviations that are tolerated.

    Attributes:
        name: For the command line.
        tolerated: Of DEVIATIONS.
        strict_give_up: Whether a pass may give up only without budget or without a free block. The specification
            leaves open why it does.
    """

    name: str
    tolerated: frozenset[str] = frozenset()
    strict_give_up: bool = False


SPECIFICATION: Final = Policy("specification")
DRIVER: Final = Policy("driver", frozenset(DEVIATIONS), strict_give_up=True)
POLICIES: Final = {policy.name: policy for policy in (SPECIFICATION, DRIVER)}


class Deviation(NamedTuple):
    """One deviation in a trace."""

    line: int
    name: str


class Tolerance:
    """Takes the steps of one trace under a policy; `found` is every deviation so far."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._second: Counter[int] = Counter()
        """pp_slots of a slot beyond the first that are still in a bucket."""
        self._late: Counter[int] = Counter()
        """Callbacks of a request that are inside though it was reaped."""
        self.found: list[Deviation] = []
        self.reason = ""
        """Reason why the last step was refused, where the specification alone would have allowed it."""

    @property
    def unsettled(self) -> tuple[tuple[int, int], ...]:
        """Requests whose callbacks are inside though they were reaped; a whole trace ends with none of them."""
        return tuple(sorted((+self._late).items()))

    @property
    def tracked(self) -> tuple[object, ...]:
        """All that is known beside the state of the specification, to be compared."""
        return tuple(sorted((+self._second).items())), self.unsettled

    def copy(self) -> "Tolerance":
        """Return one that continues from here apart from this one."""
        other = Tolerance(self._policy)
        other._second, other._late = Counter(self._second), Counter(self._late)
        other.found = list(self.found)
        return other

    def take(self, world: World, action: Action, args: tuple[int, ...], line: int, *, said: str = "") -> bool:
        """Take a step, as the specification says or as is tolerated; return whether either was possible.

        `said` is the event's own name, where it is a total action.
        """
        if action.name == "endio_leave" and self._late[args[0]]:
            self._late[args[0]] -= 1
            return True
        if action.name == "give_up" and self._policy.strict_give_up and _could_write(world):
            if EARLY not in self._policy.tolerated:
                self.reason = ": there are budget and a free block"
                return False
            self._note(line, EARLY)
        before = world.budget
        if not world.take(action, args):
            return self._tolerated(world, action, args, line, decodes=said == "read_checked")
        if action.name == "reset" and (before.enabled or before.limit):
            self._keep_limit(world, before.enabled, before.limit, line)
        if action.name in _TAKES_PP_SLOT and self._second[args[0]]:
            self._second[args[0]] -= 1
            world.queue(args[0], 1)
        if action.name == "end_pass" and self._late.total():
            self._note(line, OUTLIVED)
        return True

    def _tolerated(self, world: World, action: Action, args: tuple[int, ...], line: int, *, decodes: bool) -> bool:
        if action.name == "read_end":
            return self._unchecked(world, args, line, DECODED if decodes else STALE)
        if action.name == "scan":
            return self._scanned_again(world, args, line)
        if action.name == "reap":
            return self._reaped_inside(world, action, args, line)
        return False

    def _unchecked(self, world: World, args: tuple[int, ...], line: int, of_old_bytes: str) -> bool:
        reader = world.readers[args[0]]
        name = of_old_bytes if reader.sound else UNSOUND
        if reader.phase != ANSWERED or name not in self._policy.tolerated:
            return False
        self._note(line, name)
        return world.take(_RETRY, args)

    def _scanned_again(self, world: World, args: tuple[int, ...], line: int) -> bool:
        (slot,) = args
        kind = world.slots[slot].kind
        if TWICE not in self._policy.tolerated or not world.queued[slot] or kind not in (STORED, PP_SLOT):
            return False
        if world.running != SCANNING:
            return False
        if kind == STORED:  # the first pp_slot lost its claim; the second one claims the slot for both
            world.queue(slot, 0)
            world.take(_SCAN, args)
        self._second[slot] += 1
        self._note(line, TWICE)
        return True

    def _reaped_inside(self, world: World, action: Action, args: tuple[int, ...], line: int) -> bool:
        (request,) = args
        if INSIDE not in self._policy.tolerated or not world.reqs[request].inside:
            return False
        world.leave(request)
        if not world.take(action, args):
            return False
        self._late[request] += 1
        self._note(line, INSIDE)
        return True

    def _keep_limit(self, world: World, enabled: int, limit: int, line: int) -> None:
        if KEPT in self._policy.tolerated:
            assert world.running == AT_REST, "a reset is a step of nobody's pass"
            world.budget = world.budget._replace(enabled=enabled, limit=limit, granted=limit)
            self._note(line, KEPT)

    def _note(self, line: int, name: str) -> None:
        self.found.append(Deviation(line, name))


def _could_write(world: World) -> bool:
    budget = world.budget
    return (not budget.enabled or budget.limit > 0) and not all(block.used for block in world.blocks)
