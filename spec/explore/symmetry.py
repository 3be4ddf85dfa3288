"""States that differ only in the numbers of slots, blocks, requests and readers, and one of them to stand for all.

No action and no property asks which number something has, only whether two numbers are the same. So a step from a
permuted state is the permuted step, and a search that visits one of both misses nothing. That this is so of every
action and property is proved (`prove.index_symmetry`). It is not so of the choice of the lowest free block, which is
why a reduced search tries them all.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from spec.explore.encoding import Encoding, mask
from spec.explore.permutation import Permutation, inverse, permuted
from spec.model.state import State
from spec.model.tables import NONE

# What there is to say of a thing without saying its number; what compares equal may be put in any order.
_Words = Sequence[tuple[object, ...]]

_NUMBERED: Final = tuple(map(State._fields.index, ("slots", "queued", "blocks", "reqs", "readers", "held")))


def canonical(s: State) -> State:
    """Return the state that stands for `s` and all that differ from it only in numbers."""
    return permuted(s, to_canonical(s))


def to_canonical(s: State) -> Permutation:
    """Return new numbers for `s` that make it the state that stands for it."""
    first, *others = _permutations(s)
    return min((first, *others), key=lambda to: permuted(s, to)) if others else first


class Representatives:
    """The packed states that stand for packed states."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._mask = mask(_NUMBERED)
        self._differences: dict[int, int] = {}
        """The difference between a state and its representative, by the fields it depends on."""

    def of(self, code: int) -> int:
        """Return the packed state that stands for this one."""
        difference = self._differences.get(code & self._mask)
        if difference is None:
            representative = canonical(self._encoding.decode(code))
            difference = self._encoding.difference(code, representative, _NUMBERED)
            self._differences[code & self._mask] = difference
        return code + difference


def _permutations(s: State) -> Iterator[Permutation]:
    """Yield numbers in the order of what is said of things, and every such order where it matters which.

    Slots come first, then what belongs to them in their order. Blocks are numbered as they are met on the way.
    """
    tangled = _needing_all_permutations(s)
    unlike = [i if i in tangled else NONE for i in range(len(s.slots))]
    for slots in _orders(_slots(s), unlike):
        slot = (*inverse(slots), NONE)
        content = [(x.used, x.io, slot[x.holds]) for x in s.blocks]
        reqs = [(slot[q.slot], q.phase, q.grant, q.inside, content[q.blk] if q.blk > NONE else ()) for q in s.reqs]
        reads = [(slot[r.slot], r.phase, r.valid, r.sound, content[r.blk] if r.blk > NONE else ()) for r in s.readers]
        for requests, readers in itertools.product(_orders(reqs, s.reqs), _orders(reads, s.readers)):
            met = [*(s.slots[i].blk for i in slots), *(s.reqs[r].blk for r in requests)]
            met += [s.held, *(s.readers[k].blk for k in readers)]
            unmet = sorted(set(range(len(s.blocks))).difference(met), key=content.__getitem__)
            blocks = [b for b in dict.fromkeys(met) if b > NONE] + unmet
            yield Permutation(slot[:-1], inverse(blocks), inverse(requests), inverse(readers))


def _orders(words: _Words, unlike: Sequence[object]) -> list[tuple[int, ...]]:
    """Return the order of the words; where one word is said of things that are not alike, each order of these."""
    order = sorted(range(len(words)), key=words.__getitem__)
    groups = [tuple(group) for _word, group in itertools.groupby(order, words.__getitem__)]
    if len(groups) == len(order):
        return [tuple(order)]
    ways = [itertools.permutations(g) if len({unlike[i] for i in g}) > 1 else (g,) for g in groups]
    return [tuple(itertools.chain(*each)) for each in itertools.product(*ways)]


def _slots(s: State) -> _Words:
    """Say of each slot all there is, with what belongs to it: its block, its requests, the reads of it."""

    def content(b: int, i: int) -> tuple[int, ...]:
        block = s.blocks[b]
        return (block.used, block.io, (block.holds == i) - (block.holds == NONE), b == s.held) if b > NONE else ()

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


def _needing_all_permutations(s: State) -> set[int]:
    """Return the slots of which that is not all: their block has to do with others, or they have to do with two blocks.

    All there is to say of any other slot is what is on its one block, and which of its own has to do with that: so
    slots of which the same is said may change places, each with all that belongs to it.
    """
    concerned: list[set[int]] = [set() for _ in s.blocks]
    parts = [*((x.blk, i) for i, x in enumerate(s.slots)), *((q.blk, q.slot) for q in s.reqs)]
    for b, i in [*parts, *((r.blk, r.slot) for r in s.readers)]:
        if b > NONE:
            concerned[b].add(i)
    tangled, met = set[int](), set[int]()
    for slots, block in zip(concerned, s.blocks, strict=True):
        if len(slots) > 1 or not met.isdisjoint(slots) or not {block.holds} - {NONE} <= slots:
            tangled |= slots | {block.holds}
        met |= slots
    return tangled
