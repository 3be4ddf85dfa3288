"""The smallest part of a history that no order explains, and how it looks.

Only what can be left out without making up an error is left out: a read, always; a write together with the reads of its
value; a discard if no read of zeros that stays could have seen it. So what is left is wrong by itself.
"""

from collections.abc import Sequence

from stateful.stress.linearizability import unexplained
from stateful.stress.operation import ZERO, PageOperation, name_of


def smallest(history: Sequence[PageOperation]) -> list[PageOperation]:
    """Return a part of an unexplained history that is unexplained, and from which nothing more can be left out."""
    wrong = unexplained(history)
    assert wrong is not None, "a history that is explained has no part that is not"
    left = sorted((op for op in history if op.start <= wrong.end), key=lambda op: op.start)
    size = len(left)
    while size:
        place, shrunk = 0, False
        while place < len(left):
            fewer = _closed(left, left[:place] + left[place + size :])
            if fewer is not None and len(fewer) < len(left) and unexplained(fewer) is not None:
                left, shrunk = fewer, True
            else:
                place += size
        size = size if shrunk and size == 1 else size // 2
    return left


def _closed(before: Sequence[PageOperation], part: Sequence[PageOperation]) -> list[PageOperation] | None:
    """Leave out the reads of values whose write is left out; None where that could make up an error."""
    there, was = _written(part), _written(before)
    left = [op for op in part if op.kind == "write" or op.value in there or op.value not in was or op.value == ZERO]
    kept = set(left)
    missing = [op for op in before if op.kind == "write" and op.value == ZERO and op not in kept]
    for read in left if missing else ():
        if read.kind == "read" and read.value == ZERO:
            # A discard that is followed by another write before the read, or that came after it, does not explain it.
            others = [op.start for op in left if op.kind == "write" and op.value != ZERO and op.end < read.start]
            since = max(others, default=-1)
            if not all(discard.end < since or discard.start > read.end for discard in missing):
                return None
    return left


def _written(history: Sequence[PageOperation]) -> set[int]:
    return {op.value for op in history if op.kind == "write"}


_WIDTH = 48


def drawn(history: Sequence[PageOperation]) -> str:
    """Return a history as text: a line for each operation, with the time it took as a bar."""
    first, last = min(op.start for op in history), max(op.end for op in history)
    names = _names(history)
    width = max(len(op.task) for op in history)
    rows = []
    for op in sorted(history, key=lambda op: op.start):
        lo, hi = ((moment - first) * (_WIDTH - 1) // max(1, last - first) for moment in (op.start, op.end))
        bar = " " * lo + "|" + "-" * max(0, hi - lo - 1) + "|" * (hi > lo)
        rows.append(f"  {op.task:<{width}}  {bar:<{_WIDTH}}  {op.kind} {names[op.value]}")
    return "\n".join([*rows, f"  {'':<{width}}  {(last - first) / 1000:.1f} us in all"])


def _names(history: Sequence[PageOperation]) -> dict[int, str]:
    """Call the values a, b, c in the order of their writes."""
    names, letters = {ZERO: "zeros"}, 0
    for op in sorted(history, key=lambda op: op.start):
        if op.value < ZERO:
            names[op.value] = name_of(op.value)
        elif op.value not in names:
            names[op.value] = _letter(letters)
            letters += 1
    return names


def _letter(number: int) -> str:
    letter = chr(ord("a") + number % 26)
    return letter if number < 26 else f"{letter}{number // 26}"  # noqa: PLR2004  (letters there are)
