"""Any device on a bench: what is done to it, what its pages must contain, and what it reports, followed.

Users act one after the other, except that while a page is being written somebody else may act: in another thread, as
with any device. One that holds its lock while it writes makes that one wait, which is slow and no mistake.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple, NoReturn

from stateful.lockstep.divergence import Divergence
from stateful.seam.blocks import WatchedBlocks
from stateful.seam.chosen import chosen
from stateful.seam.operations import DiscardPages, MarkIdle, ReadPage, RunPass, SetLimit, User, UserOperation, WritePage
from stateful.seam.protocol import PassReport, Setup
from stateful.traces.following import Following
from stateful.traces.schema import Header
from zram_impl.runtime import UnshieldedRuntime

USERS: Final[Mapping[str, Callable[[int], UserOperation]]] = {
    "write": WritePage,
    "write_huge": lambda page: WritePage(page, "huge"),
    "write_same": lambda page: WritePage(page, "same"),
    "discard": DiscardPages,
    "read": ReadPage,
}
"""An operation of a user on a page, by its name in the steps."""
PATIENCE: Final = 1.0
"""Seconds after which a user who acts during a write is taken to wait for the pass."""


class BenchSizes(NamedTuple):
    """Sizes of a device."""

    pages: int = 4
    blocks: int = 3
    batch: int = 2


class Bench:
    """A device, and who uses it.

    Attributes:
        steps: What was done.
    """

    def __init__(self, sizes: BenchSizes) -> None:
        self.sizes = sizes
        self.steps: list[str] = []
        self.blocks = WatchedBlocks(sizes.blocks)
        self.blocks.during = self._during
        self.following = Following(Header(sizes.pages, sizes.blocks, sizes.batch, 0, None))
        self._acting: list[threading.Thread] = []
        self._plan: dict[int, tuple[str, int]] = {}
        self._writes = 0
        self._raised: list[Exception] = []
        setup = Setup(sizes.pages, sizes.blocks, sizes.batch, self.blocks, UnshieldedRuntime(), self.following)
        self.device = chosen().make(setup)
        self._user = User(self.device, sizes.pages)

    def close(self) -> None:
        """Release everything, however broken the device is."""
        with suppress(Exception):
            self.device.close()

    def do(self, name: str, page: int) -> None:
        """Have a user do something of USERS with a page, and compare."""
        self.steps.append(f"{name}({page})")
        self._try(lambda: self._act(name, page))
        self.compare()

    def limit(self, blocks: int | None) -> None:
        """Limit the blocks of passes, and compare."""
        self.steps.append(f"set_limit({blocks})")
        self._try(lambda: self._user.do(SetLimit(blocks)))
        self.compare()

    def mark_idle(self) -> None:
        """Mark all pages idle, and compare."""
        self.steps.append("mark_idle()")
        self._try(lambda: self._user.do(MarkIdle()))
        self.compare()

    def run_pass(self, what: str | Sequence[int], during: Sequence[tuple[int, str, int]] = ()) -> None:
        """Write back pages or a mode; before the n-th page is written somebody acts as `during` says; compare."""
        fails = sorted(self.blocks.failing), sorted(self.blocks.torn)
        acts = "".join(f", {name}({page}) during write {number}" for number, name, page in during)
        self.steps.append(f"writeback({what}{acts}; failing {fails[0]}, torn {fails[1]})")
        self._plan = {number: (name, page) for number, name, page in during}
        self._writes = 0
        before = dict(self.following.counts)
        report: list[PassReport] = []
        run = RunPass(what) if isinstance(what, str) else RunPass(None, tuple(what))
        self._try(lambda: report.append(self._user.run(run)))
        self._plan = {}
        for thread in self._acting:
            thread.join()
        self._acting.clear()
        for error in self._raised:
            if isinstance(error, Divergence):
                raise error
            self._differ("nothing_is_raised", f"{type(error).__name__}: {error}", error)
        self.compare()
        self._judge(report[0], before)

    def _judge(self, report: PassReport, before: dict[str, int]) -> None:
        """Compare the account of a pass with the events."""
        taken = {kind: count - before.get(kind, 0) for kind, count in self.following.counts.items()}
        said = (report.selected, report.skipped, report.left, report.written + report.lost + report.failed)
        seen = tuple(taken.get(kind, 0) for kind in ("scan", "skip", "give_up", "reap"))
        if said != seen:
            self._differ("the_result_is_what_happened", f"selected, skipped, left, sent: {said}, reported {seen}")
        if report.selected != sum(report[1:]):
            self._differ("the_result_adds_up", f"{report.selected} selected, {sum(report[1:])} accounted for")

    def compare(self) -> None:
        """Compare the device with what was reported, and its pages with what was written."""
        found = self.following.follow()
        if not found:
            self._try(lambda: self.following.compare(self.device.state()))
            found = self.following.finding
        if found:
            name, _colon, sentence = found.partition(": ")
            self._differ(name, sentence)
        for page in range(self.sizes.pages):
            self._try(partial(self._read, page))

    def _act(self, name: str, page: int) -> None:
        if name == "read":
            self._read(page)
        else:
            self._user.do(USERS[name](page))

    def _read(self, page: int) -> None:
        if not self._user.reads_back(page):
            self._differ("pages_read_back", f"page {page} does not read back what was last written to it")

    def _during(self) -> None:
        """Have somebody act before a page is written."""
        planned = self._plan.pop(self._writes, None)
        self._writes += 1
        if planned is not None and not self._acting:
            thread = threading.Thread(target=self._act_elsewhere, args=planned, name="other user")
            thread.start()
            thread.join(PATIENCE)
            if thread.is_alive():
                self._acting.append(thread)

    def _act_elsewhere(self, name: str, page: int) -> None:
        try:
            self._act(name, page)
        except Exception as error:  # a finding, raised by the user who began the pass
            self._raised.append(error)

    def _try(self, call: Callable[[], object]) -> None:
        try:
            call()
        except Divergence:
            raise
        except Exception as error:
            self._differ("nothing_is_raised", f"{type(error).__name__}: {error}", error)

    def _differ(self, name: str, sentence: str, cause: Exception | None = None) -> NoReturn:
        raise Divergence(name, sentence, self.steps) from cause
