"""The same device with other numbers for its slots, blocks, requests and readers."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

from spec.model.state import Block, Reader, Req, Slot, State
from spec.model.tables import NONE
from spec.model.terms import at

T = TypeVar("T")


class Permutation(NamedTuple):
    """By its old number, the new number of each slot, block, request and reader."""

    slots: tuple[int, ...]
    blocks: tuple[int, ...]
    requests: tuple[int, ...]
    readers: tuple[int, ...]

    @property
    def back(self) -> "Permutation":
        """The one that takes this back."""
        return Permutation(*map(inverse, self))


_ROW: Final = {"slot": 0, "block": 1, "free_block": 1, "request": 2, "idle_request": 2, "reader": 3, "idle_reader": 3}
"""The kind of index that a parameter of an action is: its position in `Permutation`."""


def permuted(s: State, to: Permutation) -> State:
    """Return `s` under other numbers; NONE stays NONE."""
    slot, block = (*to.slots, NONE), (*to.blocks, NONE)
    slots = [Slot(x.kind, x.huge, x.idle, at(block, x.blk)) for x in s.slots]
    blocks = [Block(x.used, x.io, at(slot, x.holds)) for x in s.blocks]
    reqs = [Req(q.phase, at(slot, q.slot), at(block, q.blk), q.grant, q.inside) for q in s.reqs]
    readers = [Reader(r.phase, at(slot, r.slot), at(block, r.blk), r.valid, r.sound) for r in s.readers]
    by_slot = inverse(to.slots)
    return State(
        slots=tuple([slots[i] for i in by_slot]),
        queued=tuple([s.queued[i] for i in by_slot]),
        blocks=tuple([blocks[b] for b in inverse(to.blocks)]),
        reqs=tuple([reqs[r] for r in inverse(to.requests)]),
        readers=tuple([readers[k] for k in inverse(to.readers)]),
        running=s.running,
        held=at(block, s.held),
        budget=s.budget,
        counts=s.counts,
    )


def arguments(over: Iterable[str], args: tuple[int, ...], to: Permutation) -> tuple[int, ...]:
    """Return what the values of an action's parameters `over` are under other numbers."""
    return tuple([at(to[_ROW[what]], x) if what in _ROW else x for what, x in zip(over, args, strict=True)])


def inverse(to: Sequence[int]) -> tuple[int, ...]:
    """Return where each number comes from."""
    return tuple(sorted(range(len(to)), key=to.__getitem__))


def swaps(slots: int, blocks: int, requests: int, readers: int) -> Iterator[tuple[str, Permutation]]:
    """Yield each swap of neighbours, with the name of the row: every permutation is some of these in turn."""
    sizes = Permutation(*(tuple(range(n)) for n in (slots, blocks, requests, readers)))
    for name, numbers in zip(Permutation._fields, sizes, strict=True):
        for x in numbers[1:]:
            swapped = (*numbers[: x - 1], x, x - 1, *numbers[x + 1 :])
            yield name, sizes._replace(**{name: swapped})
