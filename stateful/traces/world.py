"""A state of the specification that is as large as a real device, changed in place.

The specification's guards and effects are functions of a whole state, and their cost grows with it. But an action
concerns a few slots, blocks, requests and readers, and of all the others only whether there is one in some condition
(a candidate, a request that is busy). So each step is taken on a small state made of those it concerns and of one
witness for each such condition, by the specification's own text, and what changed is restored. Small states recur, so
most steps are looked up. A test compares this with the specification on whole states.
"""

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from spec.footprint import footprint
from spec.model.actions import ACTIONS, Action
from spec.model.state import ANSWERED, HELD, IDLE, KEPT, Block, Budget, Counts, Reader, Req, Slot, State, initial
from spec.model.tables import NONE

ELSEWHERE: Final = 1 << 20
"""Stands for a slot or block that is not in a small state: none of its indices, and not NONE."""
KNOWN_MOST: Final = 100_000
"""Small states that are kept."""

BY_NAME: Final = {action.name: action for action in ACTIONS}
_WHOLE: Final = initial(1, 1, 1, 1, 1)


def _fields(action: Action) -> frozenset[str]:
    """Return the fields of the state that an action looks at or replaces."""
    args = (0,) * len(action.over)
    prints = [footprint(piece, _WHOLE, args) for piece in (action.guard, action.effect)]
    return frozenset(State._fields[place] for each in prints for place in (*each.reads, *each.writes))


_FIELDS: Final = {action.name: _fields(action) for action in ACTIONS}


class Concerned(NamedTuple):
    """Parts of a state that an action concerns; positions here are the indices of a small state."""

    slots: tuple[int, ...]
    blocks: tuple[int, ...]
    reqs: tuple[int, ...]
    readers: tuple[int, ...]


class World:
    """A state of any size. `allows` and `take` cost the same whatever the size is."""

    def __init__(self, s: State) -> None:
        self.slots, self.queued, self.blocks = list(s.slots), list(s.queued), list(s.blocks)
        self.reqs, self.readers = list(s.reqs), list(s.readers)
        self.running, self.held, self.budget, self.counts = s.running, s.held, s.budget, s.counts
        # What witnesses are chosen from, and the blocks that hold (or will hold) what a slot contains.
        self._waiting = {i for i, queued in enumerate(s.queued) if queued}
        self._busy = {r for r, req in enumerate(s.reqs) if req.phase != IDLE}
        self._inside = {r for r, req in enumerate(s.reqs) if req.inside}
        self._taken = {r for r, req in enumerate(s.reqs) if req.phase == HELD}
        self._reading = {k for k, reader in enumerate(s.readers) if IDLE < reader.phase <= ANSWERED}
        self._kept: dict[int, set[int]] = {}
        """By slot: the readers that keep a page of it, of which there may be as many as slots."""
        for k, reader in enumerate(s.readers):
            if reader.phase == KEPT:
                self._kept.setdefault(reader.slot, set()).add(k)
        self._holding: dict[int, set[int]] = {}
        for b, block in enumerate(s.blocks):
            self._hold(b, Block(), block)

    def state(self) -> State:
        """Return all of it."""
        return State(
            *(tuple(self.slots), tuple(self.queued), tuple(self.blocks), tuple(self.reqs), tuple(self.readers)),
            *(self.running, self.held, self.budget, self.counts),
        )

    def allows(self, action: Action, args: tuple[int, ...]) -> bool:
        """Return whether the specification allows an action now."""
        return self._judge(action, args) is not None

    def take(self, action: Action, args: tuple[int, ...]) -> bool:
        """Take a step, if the specification allows it; return whether it does."""
        if action.name == "reset":
            return self._reset(action)
        concerned = self.concerned(action, args)
        before = self._small(action, concerned)
        after = _judged(action, _renamed(action, args, concerned), before)
        if after is None:
            return False
        if after is not before:
            self._restored(action, concerned, before, after)
        return True

    def queue(self, slot: int, queued: int) -> None:
        """Put a slot's pp_slot into a bucket (1), or take it out (0): no step of the specification."""
        self.queued[slot] = queued
        (self._waiting.add if queued else self._waiting.discard)(slot)

    def leave(self, request: int) -> None:
        """Have a request's callback be outside: no step of the specification."""
        self.reqs[request] = self.reqs[request]._replace(inside=0)
        self._inside.discard(request)

    def _judge(self, action: Action, args: tuple[int, ...]) -> State | None:
        concerned = self.concerned(action, args)
        return _judged(action, _renamed(action, args, concerned), self._small(action, concerned))

    def _reset(self, action: Action) -> bool:
        """Every slot and block is replaced: not a step for a small state."""
        after = self._judge(action, ())
        if after is None:
            return False
        fresh = initial(len(self.slots), len(self.blocks), len(self.reqs), None, len(self.readers))
        World.__init__(self, fresh._replace(budget=after.budget))
        return True

    # --- what is concerned -----------------------------------------------------------------------------------------

    def concerned(self, action: Action, args: tuple[int, ...]) -> Concerned:
        """Return what an action concerns, and one witness of each condition that may matter."""
        fields = _FIELDS[action.name]
        slots, blocks, reqs, readers = _named(action, args)
        for r in reqs:
            slots.add(self.reqs[r].slot)
            blocks.add(self.reqs[r].blk)
        for k in readers:
            slots.add(self.readers[k].slot)
            blocks.add(self.readers[k].blk)
        slots.discard(NONE)
        for i in slots:
            blocks.add(self.slots[i].blk)
            blocks |= self._holding.get(i, _NOTHING)
        if "held" in fields:
            blocks.add(self.held)
        blocks.discard(NONE)
        self._add_witnesses(fields, slots, reqs)
        # The text does not branch: it looks at a row even where it does not use what it finds.
        for chosen in (slots, blocks):
            if not chosen:
                chosen.add(0)
        if "readers" in fields:
            readers |= {k for k in self._reading if self._is_near(self.readers[k], slots, blocks)}
            readers.update(*[self._kept.get(i, _NOTHING) for i in slots])
            _add_witness(readers, self._reading)
        return Concerned(tuple(sorted(slots)), tuple(sorted(blocks)), tuple(sorted(reqs)), tuple(sorted(readers)))

    def _add_witnesses(self, fields: Collection[str], slots: set[int], reqs: set[int]) -> None:
        if "reqs" in fields:
            reqs |= self._taken
            _add_witness(reqs, self._busy)
            _add_witness(reqs, self._inside)
        if "queued" in fields:
            _add_witness(slots, self._waiting)

    @staticmethod
    def _is_near(reader: Reader, slots: set[int], blocks: set[int]) -> bool:
        return reader.slot in slots or reader.blk in blocks

    # --- to a small state and back -----------------------------------------------------------------------------------

    def _small(self, action: Action, of: Concerned) -> State:
        fields = _FIELDS[action.name]
        slot_of = {i: j for j, i in enumerate(of.slots)}
        blk_of = {b: j for j, b in enumerate(of.blocks)}
        slot_of[NONE] = blk_of[NONE] = NONE
        slots: list[Slot] = []
        blocks: list[Block] = []
        reqs: list[Req] = []
        if "slots" in fields:
            for i in of.slots:
                kind, huge, idle, blk = self.slots[i]
                slots.append(Slot(kind, huge, idle, blk_of.get(blk, ELSEWHERE)))
        if "blocks" in fields:
            for b in of.blocks:
                used, io, holds = self.blocks[b]
                blocks.append(Block(used, io, slot_of.get(holds, ELSEWHERE)))
        if "reqs" in fields:
            for r in of.reqs:
                phase, slot, blk, grant, inside = self.reqs[r]
                reqs.append(Req(phase, slot_of.get(slot, ELSEWHERE), blk_of.get(blk, ELSEWHERE), grant, inside))
        readers = []
        if "readers" in fields:
            for k in of.readers:
                phase, slot, blk, valid, sound = self.readers[k]
                readers.append(Reader(phase, slot_of.get(slot, ELSEWHERE), blk_of.get(blk, ELSEWHERE), valid, sound))
        return State(
            tuple(slots),
            tuple([self.queued[i] for i in of.slots]) if "queued" in fields else (),
            tuple(blocks),
            tuple(reqs),
            tuple(readers),
            self.running if "running" in fields else 0,
            blk_of[self.held] if "held" in fields else NONE,
            self.budget if "budget" in fields else _NO_BUDGET,
            _NO_COUNTS,
        )

    def _restored(self, action: Action, of: Concerned, old: State, new: State) -> None:
        fields = _FIELDS[action.name]
        for j, i in _changed(of.slots, old.slots, new.slots):
            self.slots[i] = new.slots[j]._replace(blk=_back(new.slots[j].blk, of.blocks, self.slots[i].blk))
        for j, i in _changed(of.slots, old.queued, new.queued):
            self.queued[i] = new.queued[j]
            (self._waiting.add if new.queued[j] else self._waiting.discard)(i)
        for j, b in _changed(of.blocks, old.blocks, new.blocks):
            self._set_block(b, new.blocks[j], of)
        for j, r in _changed(of.reqs, old.reqs, new.reqs):
            self._set_request(r, new.reqs[j], of)
        for j, k in _changed(of.readers, old.readers, new.readers):
            self._set_reader(k, new.readers[j], of)
        if "running" in fields:
            self.running = new.running
        if "held" in fields:
            self.held = _back(new.held, of.blocks, NONE)
        if "budget" in fields:
            self.budget = new.budget
        if new.counts != _NO_COUNTS:
            self.counts = Counts(*[a + b for a, b in zip(self.counts, new.counts, strict=True)])

    def _set_block(self, b: int, block: Block, of: Concerned) -> None:
        before = self.blocks[b]
        after = self.blocks[b] = block._replace(holds=_back(block.holds, of.slots, before.holds))
        self._hold(b, before, after)

    def _set_request(self, r: int, req: Req, of: Concerned) -> None:
        before = self.reqs[r]
        slot, blk = _back(req.slot, of.slots, before.slot), _back(req.blk, of.blocks, before.blk)
        self.reqs[r] = req._replace(slot=slot, blk=blk)
        for members, belongs in (
            (self._busy, req.phase != IDLE),
            (self._inside, req.inside == 1),
            (self._taken, req.phase == HELD),
        ):
            (members.add if belongs else members.discard)(r)

    def _set_reader(self, k: int, reader: Reader, of: Concerned) -> None:
        before = self.readers[k]
        slot, blk = _back(reader.slot, of.slots, before.slot), _back(reader.blk, of.blocks, before.blk)
        self.readers[k] = reader._replace(slot=slot, blk=blk)
        (self._reading.add if IDLE < reader.phase <= ANSWERED else self._reading.discard)(k)
        if before.phase == KEPT:
            self._kept[before.slot].discard(k)
        if reader.phase == KEPT:
            self._kept.setdefault(slot, set()).add(k)

    def _hold(self, b: int, before: Block, after: Block) -> None:
        if before.holds != after.holds:
            if before.holds > NONE:
                self._holding[before.holds].discard(b)
            if after.holds > NONE:
                self._holding.setdefault(after.holds, set()).add(b)


_NOTHING: Final[frozenset[int]] = frozenset()
_NO_BUDGET: Final = Budget(0, 0, 0, 0)
_NO_COUNTS: Final = Counts()
"""Counts are only ever added to, so a small state begins with none and ends with what changed."""

_KNOWN: dict[tuple[str, tuple[int, ...], State], State | None] = {}


def _judged(action: Action, args: tuple[int, ...], s: State) -> State | None:
    """Return the small state after an action, None when it is not allowed."""
    key = (action.name, args, s)
    try:
        return _KNOWN[key]
    except KeyError:
        if len(_KNOWN) >= KNOWN_MOST:
            _KNOWN.clear()
    after = _KNOWN[key] = action.effect(s, *args) if action.guard(s, *args) else None
    return after


def _named(action: Action, args: tuple[int, ...]) -> tuple[set[int], set[int], set[int], set[int]]:
    """Return the slots, blocks, requests and readers that are an action's parameters."""
    slots: set[int] = set()
    blocks: set[int] = set()
    reqs: set[int] = set()
    readers: set[int] = set()
    named = (slots, blocks, reqs, readers)
    for place, value in zip(_OVER[action.name], args, strict=True):
        if place is not None:
            named[place].add(value)
    return slots, blocks, reqs, readers


_PLACES: Final = {
    "slot": 0,
    "block": 1,
    "free_block": 1,
    "request": 2,
    "idle_request": 2,
    "reader": 3,
    "idle_reader": 3,
}
_OVER: Final = {action.name: tuple(_PLACES.get(over) for over in action.over) for action in ACTIONS}


def _renamed(action: Action, args: tuple[int, ...], of: Concerned) -> tuple[int, ...]:
    """Return the parameters as they are called in the small state."""
    places = zip(_OVER[action.name], args, strict=True)
    return tuple([value if place is None else of[place].index(value) for place, value in places])


def _back(value: int, names: tuple[int, ...], before: int) -> int:
    """Return what an index of a small state is called outside."""
    if value == NONE:
        return NONE
    return before if value == ELSEWHERE else names[value]


def _changed(names: tuple[int, ...], old: tuple[object, ...], new: tuple[object, ...]) -> Iterator[tuple[int, int]]:
    """Yield the index inside and the index outside of what changed."""
    if new != old:
        for j, i in enumerate(names):
            if new[j] != old[j]:
                yield j, i


def _add_witness(chosen: set[int], condition: Collection[int]) -> None:
    """Add one that meets the condition, unless all that do are there."""
    for each in condition:
        if each not in chosen:
            chosen.add(each)
            return
