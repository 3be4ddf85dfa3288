"""The explorer's shortest way to a weakness as a script: users' steps are operations, the device's are gate moves.

The steps of the driver itself are left to it: nothing outside can stop it between two of them. So only a way in which
nobody else does anything between a driver's step and the one it does next by itself can be played.
"""

from collections.abc import Sequence
from typing import Final

from spec.scope import Scope
from tests.kernel.mends import MENDS, search
from tests.kernel.scripts import encoded
from tests.kernel.workloads import PAGE, Workload

_ITS_OWN: Final = frozenset(
    {"begin_pass", "take_request", "skip", "give_up", "drop_held", "endio_queue", "endio_leave", "reap"}
)
"""Steps that the driver does by itself, as soon as it can, and that a script need not know of."""
_BY_OTHERS: Final = frozenset(
    {"write", "scan", "end_scan", "reserve_block", "submit", "device_ok", "device_error", "end_pass", "reset"}
)


def found() -> dict[int, tuple[str, ...]]:
    """Return the shortest way to each weakness that `mends` searches for, by number."""
    return {mend.number: search(mend, mended=False).way for mend in MENDS}


def workloads() -> dict[str, Workload]:
    """Return the script of each."""
    ways = found()
    return {f"steered{mend.number}": workload(ways[mend.number], mend.scope) for mend in MENDS}


def workload(way: Sequence[str], scope: Scope) -> Workload:
    """Turn the steps of a way into a script; writes of the backing device are held, and answered as the way says.

    Raises:
        ValueError: A step is nothing that a script can do, nor the driver's own.
    """
    before = [f"mkbd 0 {scope.blocks * PAGE}", f"nbd {scope.blocks}", "store backing_dev /dev/nbd0"]
    before += [f"store writeback_batch_size {scope.requests}", f"store disksize {scope.slots * PAGE}"]
    limited = ["store writeback_limit_enable 1", f"store writeback_limit {scope.limit}"] if scope.limit >= 0 else []
    script = _Script(scope)
    for step in way:
        script.take(step)
    script.end()
    return Workload(before, ["gate w", *limited, *script.lines])


class _Script:
    """Lines, and what the gate holds after them."""

    def __init__(self, scope: Scope) -> None:
        self.lines: list[str] = []
        self._scope = scope
        self._scanned: list[int] = []
        self._block = 0
        self._waiting: list[int] = []
        """Blocks whose writes the gate holds, oldest first."""
        self._runs = False

    def take(self, step: str) -> None:
        """Append what a step is."""
        name, _, args = step.removesuffix(")").partition("(")
        numbers = [int(each) for each in args.split(", ") if each]
        if name in _BY_OTHERS:
            getattr(self, f"_{name}")(*numbers)
        elif name not in _ITS_OWN:
            raise ValueError(f"step must be one that a script makes, or the driver's own, got {name}")

    def end(self) -> None:
        """Append what releases everything that is held, and joins the pass."""
        if self._waiting:
            self.lines.append(f"pending {len(self._waiting)}")
        self.lines += ["go all", "gate none", *(["join"] if self._runs else [])]

    def _write(self, page: int, _huge: int) -> None:
        self.lines.append(f"write {page} 1 rand {1000 * (page + 1) + len(self.lines)} 0")

    def _scan(self, page: int) -> None:
        self._scanned.append(page)

    def _end_scan(self) -> None:
        # What is selected last is the first of its bucket.
        named = " ".join(f"page_index={page}" for page in reversed(self._scanned))
        self.lines.append(f"bg_store writeback {encoded(named)}")
        self._scanned, self._runs = [], True

    def _reserve_block(self, block: int) -> None:
        self._block = block

    def _submit(self, _page: int, _request: int) -> None:
        self._waiting.append(self._block)

    def _device_ok(self, block: int) -> None:
        self._answer(block, "")

    def _device_error(self, block: int) -> None:
        self._answer(block, " EIO")

    def _answer(self, block: int, error: str) -> None:
        self.lines += [f"pending {len(self._waiting)}", f"go {self._waiting.index(block)}{error}"]
        self._waiting.remove(block)

    def _end_pass(self) -> None:
        self.lines.append("join")
        self._runs = False

    def _reset(self) -> None:
        # A device without a size says nothing of its end.
        self.lines += ["store reset 1", f"store disksize {self._scope.slots * PAGE}"]
