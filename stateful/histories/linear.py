"""Whether some order explains a history of one page: is it linearizable?

Each operation must seem to happen at one moment between its start and its end, in an order in which every read returns
what was written last. The history is walked through in time; what is kept is every way it can have gone so far: which
of the operations under way have happened already, and what the page contains. An operation has to have happened by the
time it returns; the others happen only where that helps it, so there are no more ways than a few operations under way
allow (the "just in time" of Lowe, Testing for linearizability, 2017).
"""

from collections.abc import Sequence

from stateful.histories.operation import ZERO, Op

_Way = tuple[int, int]
"""A bit for each operation under way that has happened, and the value of the page."""


def unexplained(history: Sequence[Op]) -> Op | None:
    """Return the first operation by whose end no order explains what was seen so far; None when one explains all."""
    moments = [(op.start, 0, number) for number, op in enumerate(history)]
    moments += [(op.end, 1, number) for number, op in enumerate(history)]
    moments.sort()  # at the same time, starts come first: those operations may have overlapped
    ways: set[_Way] = {(0, ZERO)}
    under_way: dict[int, Op] = {}
    bits = _Bits()
    for _time, over, number in moments:
        if not over:
            under_way[bits.take(number)] = history[number]
            continue
        bit = bits.give(number)
        ways = {(happened & ~bit, value) for way in ways for happened, value in _until(way, bit, under_way)}
        if not ways:
            return history[number]
        del under_way[bit]
    return None


class _Bits:
    """A bit for each operation under way."""

    def __init__(self) -> None:
        self._of: dict[int, int] = {}
        self._free: list[int] = []

    def take(self, number: int) -> int:
        bit = self._of[number] = self._free.pop() if self._free else 1 << len(self._of)
        return bit

    def give(self, number: int) -> int:
        bit = self._of.pop(number)
        self._free.append(bit)
        return bit


def _until(way: _Way, wanted: int, under_way: dict[int, Op]) -> set[_Way]:
    """Return the ways in which the operation of bit `wanted` has happened, each as soon as it has."""
    if way[0] & wanted:
        return {way}
    done, seen, todo = set[_Way](), {way}, [way]
    while todo:
        happened, value = todo.pop()
        for bit, op in under_way.items():
            if happened & bit or (op.kind == "read" and op.value != value):
                continue
            following = (happened | bit, op.value)
            if bit == wanted:
                done.add(following)
            elif following not in seen:
                seen.add(following)
                todo.append(following)
    return done
