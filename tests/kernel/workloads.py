"""Workloads: scripts that have the driver do everything a writeback can meet, traced from the first page on."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from tests.kernel.scripts import Operation, encoded, script_line

PAGE: Final = 4096


class Workload(NamedTuple):
    """A script, and what its machine is like."""

    before: list[str]
    """Lines that set the device up; the trace begins after them."""
    traced: list[str]
    cpus: int = 1
    buffer_kb: int = 16384
    """Of the trace, for each processor."""

    def script(self, name: str) -> list[str]:
        """Return all lines."""
        return [*self.before, f"trace_on {self.buffer_kb}", *self.traced, f"trace_off {name}", "sleep 0"]


def _set_up(
    batch: int,
    slots: int = 64,
    blocks: int = 48,
    *,
    bad: tuple[int, ...] = (),
    mapped: bool = False,
    compressed: bool = False,
) -> list[str]:
    operations: list[Operation] = [{"op": "mkbd", "bd": 0, "blocks": blocks}]
    if bad or mapped:
        operations.append({"op": "dmtab", "bd": 0, "blocks": blocks, "fail_write": [[block, block] for block in bad]})
    lines = [script_line(operation) for operation in operations]
    lines.append(f"store backing_dev /dev/{'dm-0' if bad or mapped else 'loop0'}")
    if compressed:
        lines.append("store compressed_writeback 1")
    return [*lines, f"store writeback_batch_size {batch}", f"store disksize {slots * PAGE}"]


_FILL: Final = [
    "write 0 20 comp 1 2000",
    "write 20 8 rand 7 0",
    "write 28 4 same 5 0",
    "write 32 16 comp 9 904",
    f"discard {3 * PAGE} {2 * PAGE}",
]
_IDLE: Final = "store idle all"


def _back(words: str) -> str:
    return f"store writeback {encoded(words)}"


def _work(turns: int, seed: int, reads: int, *, workers: int = 2, pages: int = 40, discards: int = 20) -> list[str]:
    return [f"workers {workers} {turns} {seed} 0:{pages} {reads} {discards}", "passes idle 0", "end_work"]


def _limit(value: int) -> list[str]:
    return ["store writeback_limit_enable 1", f"store writeback_limit {value}"]


def _plain(batch: int) -> Workload:
    steps = [
        *_FILL,
        _IDLE,
        _back("huge"),
        "read 20 2",
        _back("idle"),
        "read 0 8",
        f"discard {20 * PAGE} {3 * PAGE}",
        "write 21 4 comp 3 1504",
        _IDLE,
        _back("idle"),
        "read 0 48",
    ]
    return Workload(_set_up(batch), steps)


_GATED: Final = [
    *_FILL,
    _IDLE,
    "suspend 0",
    "bg_store writeback idle",
    f"discard 0 {2 * PAGE}",
    "write 5 2 comp 77 1104",
    "write 21 1 rand 3 0",
    "read 8 2",
    "resume 0",
    "join",
    "read 8 2",
    _IDLE,
    _back("idle"),
]
_RESET: Final = [
    *_FILL,
    *_limit(100),
    _IDLE,
    _back("huge"),
    "store reset 1",
    "store backing_dev /dev/loop0",
    f"store disksize {64 * PAGE}",
    *_FILL,
    _IDLE,
    _back("idle"),
]
_DECIDE: Final = ["write 0 3 comp 1 2000", *_limit(2), _IDLE, _back("idle")]
_OLD_OBJECT: Final = [
    *["write 1 1 rand 7 0", _back("page_index=1"), "write 0 1 comp 5 2000", _back("page_index=0")],
    *["gate r", "bg_read 0", "pending 1"],
    # Its block stays as it is: the lowest one that is free is another.
    *[f"discard {PAGE} {PAGE}", "write 0 1 rand 9 0", _back("page_index=0")],
    *["go 0", "join_read", "gate none"],
]
"""A page is read from its block; when the device answers, the slot is on another block, with a page kept whole."""
_TWO_GATED: Final = [
    *[f"mkbd 0 {2 * PAGE}", "nbd 2", "store backing_dev /dev/nbd0", "store compressed_writeback 1"],
    *["store writeback_batch_size 1", f"store disksize {2 * PAGE}"],
]

SMALL: Final[Mapping[str, Workload]] = {
    **{f"plain{batch}": _plain(batch) for batch in (1, 4, 32)},
    "gate": Workload(_set_up(32, mapped=True), _GATED),
    "twice": Workload(_set_up(32), [*_FILL, _back("page_index=5 page_index=5 page_index=8")]),
    "reset": Workload(_set_up(32), _RESET),
    **{f"decide{batch}": Workload(_set_up(batch, 16, 8, bad=(0,)), _DECIDE) for batch in (1, 32)},
    "load": Workload(_set_up(32), [*_FILL, *_work(600, 32, 0)]),
    "reads": Workload(_set_up(32), _work(600, 9, 40)),
    "failing": Workload(_set_up(4, bad=(3, 4, 9, 20)), [*_FILL, *_work(400, 6, 0)]),
    "compressed": Workload(_set_up(32, compressed=True), _work(600, 5, 20)),
    "old_object": Workload(_TWO_GATED, _OLD_OBJECT),
    "limit": Workload(
        _set_up(32),
        [*_FILL, *_limit(9), _IDLE, _back("huge"), _back("idle"), "store writeback_limit 300", *_work(400, 8, 0)],
    ),
}
"""Some thousands of events each."""


def _large(  # noqa: PLR0913  (each has a default)
    batch: int,
    seed: int,
    reads: int,
    turns: int = 12000,
    *,
    bad: tuple[int, ...] = (),
    compressed: bool = False,
    limits: bool = False,
) -> Workload:
    traced = _work(turns, seed, reads, workers=3, pages=48)
    if limits:
        begin, over = traced[0], traced[-1]
        passes = [
            *("passes idle 40", "store writeback_limit 200", "passes idle 40", "store writeback_limit_enable 0"),
            *("passes idle 20", "store writeback_limit_enable 1", "passes idle 0"),
        ]
        traced = [*_limit(400), begin, *passes, over]
    return Workload(_set_up(batch, bad=bad, compressed=compressed), traced, cpus=2, buffer_kb=65536)


def large(shift: int = 0) -> dict[str, Workload]:
    """Return workloads of more than a hundred thousand events each, on two processors; `shift` gives other ones."""
    return {
        "large32": _large(32, 11 + shift, 15),
        "large4": _large(4, 12 + shift, 30),
        "large_failing": _large(8, 13 + shift, 15, bad=(0, 5, 6, 30)),
        "large_writes": _large(32, 14 + shift, 0),
        "large_compressed": _large(32, 15 + shift, 20, compressed=True),
        "large_limit": _large(16, 16 + shift, 5, 9000, limits=True),
    }


def chosen(names: Sequence[str], shift: int = 0) -> dict[str, Workload]:
    """Return the workloads of some names; `small` and `large` are all of those.

    Raises:
        KeyError: There is no such workload.
    """
    known = {**SMALL, **large(shift)}
    found: dict[str, Workload] = {}
    for name in names:
        found |= SMALL if name == "small" else large(shift) if name == "large" else {name: known[name]}
    return found


NAMES: Final = (*SMALL, *large())
