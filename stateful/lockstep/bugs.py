"""The same bugs as in spec.bugs.batching_v3, put back into the implementation: each patches one function for a while.

Where a variant could also be caught by an assert of the implementation's own, that is fine: the assert names the
property as well. `breaks` is what the machine is expected to say.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple
from unittest import mock

from zram_impl import decisions
from zram_impl.decisions import Completion
from zram_impl.engine.request import WbReq
from zram_impl.passes import writeback
from zram_impl.passes.writeback import WritebackPass
from zram_impl.units import BlkIdx, SlotIndex


class Variant(NamedTuple):
    """A bug of the implementation."""

    name: str
    """As in spec.bugs.batching_v3."""
    breaks: str
    """The property that the machine says is broken."""
    steps: int
    """Steps of the specification in the shortest run that shows it."""
    patch: Callable[[], "mock._patch[object]"]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Put the bug in, and take it out again."""
        with self.patch():
            yield


def _early_release() -> "mock._patch[object]":
    complete = WritebackPass._complete

    def too_early(self: WritebackPass, req: WbReq) -> None:
        self._shared.table.release_claim(req.index)
        complete(self, req)

    return mock.patch.object(WritebackPass, "_complete", too_early)


def _unassigned_index() -> "mock._patch[object]":
    submit = WritebackPass._submit

    def of_slot_0(self: WritebackPass, index: SlotIndex, req: WbReq, block: BlkIdx) -> None:
        submit(self, index, req, block)
        entry = self._shared.table.entries[0]
        if isinstance(entry, bytes):
            req.entry = entry

    return mock.patch.object(WritebackPass, "_submit", of_slot_0)


def _leak_after_loop() -> "mock._patch[object]":
    def keeping_the_block(self: WritebackPass) -> bool:
        self.held_block = None
        return drop_held(self)

    drop_held = WritebackPass._drop_held
    return mock.patch.object(WritebackPass, "_drop_held", keeping_the_block)


def _completing(change: Callable[[Completion, int, int], Completion]) -> Callable[[], "mock._patch[object]"]:
    def decided(ok: int, kept: int) -> Completion:
        return change(decisions.completion(ok, kept), ok, kept)

    return lambda: mock.patch.object(writeback, "completion", decided)


VARIANTS: Final = (
    Variant("early_release", "a_good_write_of_an_unchanged_slot_makes_it_wb", 11, _early_release),
    Variant("unassigned_index", "a_kept_claim_means_unchanged_content", 9, _unassigned_index),
    Variant(
        "leak_on_error",
        "every_block_has_one_owner",
        11,
        _completing(lambda row, ok, _kept: row if ok else row._replace(release_block=0)),
    ),
    Variant(
        "leak_on_lost_slot",
        "every_block_has_one_owner",
        12,
        _completing(lambda row, ok, kept: row if kept or not ok else row._replace(release_block=0)),
    ),
    Variant("leak_after_loop", "every_block_has_one_owner", 8, _leak_after_loop),
    Variant("no_refund", "the_budget_is_conserved", 11, _completing(lambda row, _ok, _kept: row._replace(refund=0))),
)
