"""Linearizability of a history of one page: some order of its operations explains it.

Each operation must seem to happen at one moment between its start and its end, in an order in which every read returns
what was written last. The history is walked through in time; what is kept is every way it can have gone so far: which
of the operations under way have happened already, and what the page contains. An operation has to have happened by the
time it returns; the others happen only where that helps it (the "just in time" of Lowe, Testing for linearizability,
2017). Two things are always right, so that nothing is tried instead: a read of what the page contains happens at once,
and a write whose value nobody reads any more happens unseen, just before another write. What is left to be tried are
the orders of those writes under way that somebody still reads.
"""

from collections.abc import Sequence

from stateful.stress.operation import ZERO, PageOperation

_Way = tuple[int, int]
"""A bit for each operation under way that has happened, and the value of the page."""


def unexplained(history: Sequence[PageOperation]) -> PageOperation | None:
    """Return the first operation by whose end no order explains what was seen so far; None when one explains all."""
    moments = [(op.start, 0, number) for number, op in enumerate(history)]
    moments += [(op.end, 1, number) for number, op in enumerate(history)]
    moments.sort()  # at the same time, starts come first: those operations may have overlapped
    under_way = _UnderWay(history)
    ways: set[_Way] = {(0, ZERO)}
    for _time, over, number in moments:
        if not over:
            under_way.begin(number)
            continue
        bit = under_way.end(number)
        ways = {(happened & ~bit, value) for way in ways for happened, value in under_way.until(way, bit)}
        if not ways:
            return history[number]
        under_way.forget(bit)
    return None


class _UnderWay:
    """The operations under way, a bit each, and how often each value is still to be read."""

    def __init__(self, history: Sequence[PageOperation]) -> None:
        self._history = history
        self._bits = _Bits()
        self._ops: dict[int, PageOperation] = {}
        self._to_be_read: dict[int, int] = {}
        for op in history:
            if op.kind == "read":
                self._to_be_read[op.value] = self._to_be_read.get(op.value, 0) + 1

    def begin(self, number: int) -> None:
        """Note that an operation begins."""
        self._ops[self._bits.take(number)] = self._history[number]

    def end(self, number: int) -> int:
        """Return the bit of an operation that ends, which is still under way."""
        return self._bits.give(number)

    def forget(self, bit: int) -> None:
        """Note that an operation is over."""
        op = self._ops.pop(bit)
        if op.kind == "read":
            self._to_be_read[op.value] -= 1

    def until(self, way: _Way, wanted: int) -> set[_Way]:
        """Return the ways in which the operation of bit `wanted` has happened, each as soon as it has."""
        done = set[_Way]()
        seen, todo = {way}, [way]
        while todo:
            happened, value = todo.pop()
            happened |= self._reading(value)
            if happened & wanted:
                done.add((happened, value))
                continue
            for bit, op in self._ops.items():
                if op.kind == "write" and not happened & bit and (bit == wanted or self._to_be_read.get(op.value)):
                    following = (happened | bit | self._unseen(), op.value)
                    if following not in seen:
                        seen.add(following)
                        todo.append(following)
        return done

    def _reading(self, value: int) -> int:
        return sum(bit for bit, op in self._ops.items() if op.kind == "read" and op.value == value)

    def _unseen(self) -> int:
        writes = ((bit, op.value) for bit, op in self._ops.items() if op.kind == "write")
        return sum(bit for bit, value in writes if not self._to_be_read.get(value))


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
