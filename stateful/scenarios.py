"""Small programs of real calls on a real device, run under schedules that are chosen.

Each has a pass on two or three pages and users that get in its way. Production's own pass, engine and locks run; only
the runtime and the backing device (blocks in memory, a scheduling point before each of its calls) are the tests'. What
the device reports is followed through the specification, step by step, and after the end nothing may be left over.
"""

from collections.abc import Callable, Mapping, Sequence
from errno import EIO
from typing import Final

from spec.actions import ACTIONS
from spec.invariant import broken_clause
from spec.scope import Scope
from spec.state import DONE_OK, State
from stateful.baton import BatonRuntime, Choice, Policy
from stateful.pages import same_filled, stamped
from zram_impl import PAGE_SIZE, WritebackResult, Zram
from zram_impl.decide import Kind
from zram_impl.engine.threads import ThreadEngine

BY_NAME: Final = {action.name: action for action in ACTIONS}
PAGES: Final = 3


class PointDevice:
    """Blocks in memory, with a scheduling point before every call; the writes named in `failing` fail."""

    def __init__(self, runtime: BatonRuntime, blocks: int, failing: Sequence[int] = ()) -> None:
        self.name = "memory"
        self.blocks = blocks
        self.writes = 0
        self._runtime = runtime
        self._failing = failing
        self._content = [bytes(PAGE_SIZE)] * blocks

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write, or fail, one page after the other."""
        for block, page in enumerate(pages, blk_idx):
            self._runtime.point("device write")
            self.writes += 1
            if self.writes - 1 in self._failing:
                self._content[block] = b"\xff" * PAGE_SIZE
                raise OSError(EIO, "this write was to fail")
            self._content[block] = bytes(page)
        return len(pages) * PAGE_SIZE

    def read(self, blk_idx: int, into: memoryview) -> None:
        """Read the block as it is when the device gets to it."""
        self._runtime.point("device read")
        into[:] = self._content[blk_idx]
        self._runtime.point("device has read")

    def sync(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


class Stage:
    """A device, and the specification following it."""

    def __init__(self, policy: Policy, *, blocks: int = 2, batch: int = 2, failing: Sequence[int] = ()) -> None:
        self.runtime = BatonRuntime(policy)
        self.content = [bytes(PAGE_SIZE)] * PAGES
        self.had: list[set[bytes]] = [{bytes(PAGE_SIZE)} for _ in range(PAGES)]
        self.results: list[WritebackResult] = []
        self.steps: list[str] = []
        scope = Scope(PAGES, blocks, batch, limit=-1, huge=1, idle=1, stores=1, toggles=1, resets=1)
        self.state: State = scope.initial()
        self.device = Zram.create(
            PAGES * PAGE_SIZE,
            backing=PointDevice(self.runtime, blocks, failing),
            batch_size=batch,
            runtime=self.runtime,
            engine=lambda device, runtime: ThreadEngine(device, runtime, depth=batch, threads=1),
            observer=self._follow,
        )
        self._generation = 0

    def _follow(self, kind: str, /, *args: int) -> None:
        """Take a step of the specification; the backing device does not report its own: a reaping makes up."""
        if kind == "read" and not BY_NAME[kind].guard(self.state, *args):
            return
        if kind == "reap":
            self._answer(args[0])
        self._step(kind, args)

    def _answer(self, number: int) -> None:
        running = self.device.disk.running_pass if self.device.disk else None
        assert running is not None, "what is reaped belongs to a pass"
        block = self.state.reqs[number].blk
        if self.state.reqs[number].phase < DONE_OK:
            self._step("device_error" if self._failed(number) else "device_ok", (block,))
            self._step("endio_queue", (number,))
            self._step("endio_leave", (number,))

    def _failed(self, number: int) -> bool:
        running = self.device.disk.running_pass if self.device.disk else None
        return running is not None and running.requests[number].error != 0

    def _step(self, kind: str, args: tuple[int, ...]) -> None:
        action = BY_NAME[kind]
        mine = args[: len(action.over)]
        self.steps.append(f"{kind}{mine}")
        assert action.guard(self.state, *mine), f"not allowed: {' '.join(self.steps)}"
        self.state = action.effect(self.state, *mine)
        clause = broken_clause(self.state)
        if clause is not None:
            raise AssertionError(f"{clause.__name__}: {' '.join(self.steps)}")

    # --- what the tasks do -----------------------------------------------------------------------------------------

    def write(self, page: int, *, huge: bool = False) -> None:
        """Write a new content."""
        self._generation += 1
        self._put(page, stamped(page, self._generation, huge=huge))

    def write_same(self, page: int) -> None:
        """Write a new same-filled content."""
        self._generation += 1
        self._put(page, same_filled(self._generation))

    def _put(self, page: int, content: bytes) -> None:
        self.had[page].add(content)
        self.device.write_page(page, content)
        self.content[page] = content

    def discard(self, page: int) -> None:
        """Discard a page."""
        self.had[page].add(bytes(PAGE_SIZE))
        self.device.discard(page * PAGE_SIZE, PAGE_SIZE)
        self.content[page] = bytes(PAGE_SIZE)

    def read(self, page: int) -> None:
        """Read a page: it must be something that page had."""
        content = self.device.read_page(page)
        assert content in self.had[page], f"a_read_ends_with_a_value_the_page_held: page {page}"

    def writeback(self, *pages: int) -> None:
        """Write pages back."""
        self.results.append(self.device.writeback(pages=pages))

    def run(self, *tasks: Callable[[], None], before: Callable[[], None] | None = None) -> Sequence[Choice]:
        """Run `tasks` at the same time, check that nothing is left over, and return the schedule.

        `before` comes before them, without choices.
        """

        def main() -> None:
            self.runtime.steady = True
            if before is not None:
                before()
            self.runtime.steady = False
            spawned = [self.runtime.spawn(task, f"task {number}") for number, task in enumerate(tasks)]
            for each in spawned:
                each.join()
            self.runtime.steady = True
            self.check_rest()
            self.device.close()

        self.runtime.run(main)
        return self.runtime.schedule

    def check_rest(self) -> None:
        """Check that nothing is left over, every page reads back, and every result adds up."""
        view = self.device.snapshot()
        backed = sorted(slot.blk_idx for slot in view.slots if slot.blk_idx is not None)
        assert not any(slot.owned or slot.kind is Kind.PP_SLOT for slot in view.slots), "nothing_remains_at_rest"
        assert backed == [b for b, used in enumerate(view.blocks) if used], "every_block_has_one_owner"
        for page, content in enumerate(self.content):
            assert self.device.read_page(page) == content, f"page {page} reads back what was last written to it"
        for r in self.results:
            assert r.written + r.lost + r.failed + r.skipped + r.left == r.selected, f"the result adds up: {r}"


def pass_and_write(policy: Policy) -> Sequence[Choice]:
    """A pass over two pages while one of them is rewritten."""
    stage = Stage(policy)
    stage.write(0)
    stage.write(1)
    return stage.run(lambda: stage.writeback(0, 1), lambda: stage.write(0))


def pass_and_same(policy: Policy) -> Sequence[Choice]:
    """A pass over two pages while one of them is overwritten with a same-filled page."""
    stage = Stage(policy)
    stage.write(0)
    stage.write(1)
    return stage.run(lambda: stage.writeback(0, 1), lambda: stage.write_same(1))


def pass_and_discard(policy: Policy) -> Sequence[Choice]:
    """A pass over two pages, batch 1, one block: a discard gives the block back."""
    stage = Stage(policy, blocks=1, batch=1)
    stage.write(0)
    stage.write(1)
    return stage.run(lambda: stage.writeback(0, 1), lambda: stage.discard(1))


def pass_and_read(policy: Policy) -> Sequence[Choice]:
    """A pass over a page that fails its first write, while the page is read."""
    stage = Stage(policy, failing=(0,))
    stage.write(0)
    stage.write(1)
    return stage.run(lambda: stage.writeback(0, 1), lambda: stage.read(0))


def reuse_under_a_read(policy: Policy) -> Sequence[Choice]:
    """A written-back page is read while it is discarded and its block gets another page."""
    stage = Stage(policy, blocks=1, batch=1)
    stage.write(0)
    stage.write(1)

    def recycle() -> None:
        stage.discard(0)
        stage.writeback(1)

    return stage.run(lambda: stage.read(0), recycle, before=lambda: stage.writeback(0))


def pass_and_limit(policy: Policy) -> Sequence[Choice]:
    """A pass with a limit, one of its writes fails, while the limit is stored."""
    stage = Stage(policy, failing=(0,))
    stage.device.set_writeback_limit(1)
    stage.device.enable_writeback_limit(enabled=True)
    stage.write(0)
    stage.write(1)
    return stage.run(lambda: stage.writeback(0, 1), lambda: stage.device.set_writeback_limit(0))


SCENARIOS: Final[Mapping[str, Callable[[Policy], Sequence[Choice]]]] = {
    "pass and write": pass_and_write,
    "pass and same-filled write": pass_and_same,
    "pass and discard": pass_and_discard,
    "pass and read": pass_and_read,
    "reuse under a read": reuse_under_a_read,
    "pass and limit": pass_and_limit,
}
