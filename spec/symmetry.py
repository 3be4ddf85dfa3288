"""States that differ only in the numbers of slots, blocks, requests and readers, and one of them to stand for all.

No action and no property asks which number something has, only whether two numbers are the same. So a step from a
renumbered state is the renumbered step, and a walk that visits one of both misses nothing. That this is so of every
action and property is proved (`prove_symmetry`). It is not so of the choice of the lowest free block, which is why a
reduced walk tries them all.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from spec.packing import Packing, mask
from spec.renumbering import Renumbering, inverse, renumbered
from spec.state import State
from spec.tables import NONE

# What there is to say of a thing without saying its number; what compares equal may be put in any order.
_Words = Sequence[tuple[object, ...]]

_NUMBERED: Final = tuple(map(State._fields.index, ("slots", "queued", "blocks", "reqs", "readers", "held")))


def canonical(s: State) -> State:
    """Return the state that stands for `s` and all that differ from it only in numbers."""
    return renumbered(s, to_canonical(s))


def to_canonical(s: State) -> Renumbering:
    """Return new numbers for `s` that make it the state that stands for it."""
    if not _entangled(s):
        return next(_renumberings(s, every=False))
    return min(_renumberings(s, every=True), key=lambda to: renumbered(s, to))


class Representatives:
    """The packed states that stand for packed states."""

    def __init__(self, packing: Packing) -> None:
        self._packing = packing
        self._mask = mask(_NUMBERED)
        self._differences: dict[int, int] = {}
        """What leads from a state to the one that stands for it, by what it depends on."""

    def of(self, code: int) -> int:
        """Return the packed state that stands for this one."""
        difference = self._differences.get(code & self._mask)
        if difference is None:
            stands_for_it = canonical(self._packing.unpack(code))
            difference = self._packing.difference(code, stands_for_it, _NUMBERED)
            self._differences[code & self._mask] = difference
        return code + difference


def _renumberings(s: State, *, every: bool) -> Iterator[Renumbering]:
    """Yield numbers in the order of what is said of things: the least, or all that no word tells apart.

    Slots come first, then what belongs to them in their order. Blocks are numbered as they are met on the way.
    """
    for slots in _orders(_slots(s), every=every):
        slot = (*inverse(slots), NONE)
        content = [(x.used, x.io, slot[x.holds]) for x in s.blocks]
        reqs = [(slot[q.slot], q.phase, q.grant, q.inside, content[q.blk] if q.blk > NONE else ()) for q in s.reqs]
        reads = [(slot[x.slot], x.phase, x.valid, x.sound, content[x.blk] if x.blk > NONE else ()) for x in s.readers]
        for requests, readers in itertools.product(_orders(reqs, every=every), _orders(reads, every=every)):
            met = [*(s.slots[i].blk for i in slots), *(s.reqs[r].blk for r in requests)]
            met += [s.held, *(s.readers[k].blk for k in readers)]
            unmet = sorted(set(range(len(s.blocks))).difference(met), key=content.__getitem__)
            blocks = [b for b in dict.fromkeys(met) if b > NONE] + unmet
            yield Renumbering(slot[:-1], inverse(blocks), inverse(requests), inverse(readers))


def _orders(words: _Words, *, every: bool) -> list[tuple[int, ...]]:
    """Return the numbers in the order of their words; with `every`, in each such order there is."""
    order = sorted(range(len(words)), key=words.__getitem__)
    if not every:
        return [tuple(order)]
    alike = [itertools.permutations(group) for _word, group in itertools.groupby(order, words.__getitem__)]
    return [tuple(itertools.chain(*each)) for each in itertools.product(*alike)]


def _slots(s: State) -> _Words:
    """Say of each slot all there is, with what belongs to it: its block, its requests, the reads of it."""

    def content(b: int, i: int) -> tuple[int, ...]:
        block = s.blocks[b]
        return (block.used, block.io, (block.holds == i) - (block.holds == NONE)) if b > NONE else ()

    requests: list[list[tuple[object, ...]]] = [[] for _ in s.slots]
    readers: list[list[tuple[object, ...]]] = [[] for _ in s.slots]
    for q in s.reqs:
        if q.slot > NONE:
            requests[q.slot].append((q.phase, q.grant, q.inside, content(q.blk, q.slot)))
    for r in s.readers:
        if r.slot > NONE:
            readers[r.slot].append((r.phase, r.valid, r.sound, content(r.blk, r.slot)))
    return [
        (*x[:3], s.queued[i], content(x.blk, i), sorted(requests[i]), sorted(readers[i])) for i, x in enumerate(s.slots)
    ]


def _entangled(s: State) -> bool:
    """Return whether anything that belongs to one slot says something of another, or of a block that is not its own.

    If nothing does, slots of which the same is said may change places, each with all that belongs to it.
    """
    owned = [*((x.blk, i) for i, x in enumerate(s.slots)), *((q.blk, q.slot) for q in s.reqs), (s.held, NONE)]
    owned = [(b, i) for b, i in owned if b > NONE]
    owner = dict(owned)
    foreign = [x.holds not in {NONE, owner.get(b, NONE)} for b, x in enumerate(s.blocks)]
    stale = [r.blk > NONE and s.slots[r.slot].blk != r.blk for r in s.readers]
    return len(owner) < len(owned) or any(foreign) or any(stale)
