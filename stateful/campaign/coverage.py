"""Coverage of schedules: any three steps of the device, one after another.

A device that reports no steps is covered by the points at which it could be preempted. A step is what it is, so the
same three have the same number in every process, on every machine and at every revision.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from stateful.schedules.run import Execution
from stateful.schedules.token import encode

IN_A_ROW: Final = 3
_BYTES: Final = 6


class Coverage:
    """All that was covered, and the tokens that were the first to cover something."""

    def __init__(self) -> None:
        self._seen = set[Sequence[object]]()
        self._new = dict[str, tuple[str, ...]]()

    def watch(self, played: Execution) -> None:
        """Take note of a run."""
        steps = played.trace[played.points + len(played.schedule) :] or played.trace[: played.points]
        rows = {tuple(steps[at : at + IN_A_ROW]) for at in range(max(len(steps) - IN_A_ROW + 1, 0))} - self._seen
        if rows:
            self._seen |= rows
            token = encode(played.what)
            self._new[token] = (*self._new.get(token, ()), *sorted(map(_number, rows)))

    def take(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the tokens since the last call, each with what it was the first to cover."""
        new, self._new = self._new, {}
        return tuple(new.items())


def _number(row: Sequence[object]) -> str:
    return blake2b("\n".join(map(str, row)).encode(), digest_size=_BYTES).hexdigest()
