"""A forked child is free of every lock that a thread of its parent held, one by one."""

from pathlib import Path

import pytest

from tests.impl.children import held_elsewhere, in_a_child, is_sound
from tests.impl.doubles import huge
from zram_impl import Zram
from zram_impl.passes.base import PassProgress
from zram_impl.runtime import Condition, Lock, Rank, ThreadRuntime

# A fork among threads is what is tested; 3.15 warns of every one.
pytestmark = [
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.usefixtures("unmeasured"),
]

TAKEN_BEFORE = {"control", "table"}
"""A fork waits for these."""
OF_THE_ENGINE = {"engine.work", "engine.answers"}
"""A child has no engine."""


class NamedLocks(ThreadRuntime):
    """Native threads; every lock can be had by its name."""

    def __init__(self) -> None:
        self.made: dict[str, Lock | Condition] = {}

    def lock(self, name: str, rank: Rank) -> Lock:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        made = self.made[name] = super().lock(name, rank)
        return made

    def condition(self, name: str, rank: Rank) -> Condition:  # type: ignore[explicit-override]  # likewise
        made = self.made[name] = super().condition(name, rank)
        return made


def made(path: Path) -> tuple[Zram, NamedLocks]:
    runtime = NamedLocks()
    dev = Zram.create("64K", backing=path, backing_size="64K", runtime=runtime)
    dev.set_read_cache("8K")
    for index in range(3):
        dev.write_page(index, huge(index))
    assert dev.writeback(pages=[0]).written == 1
    return dev, runtime


HELD = [
    *("pass", "pass ended", "compaction", "openers"),
    *("backing reads", "backing reads ended", "clean pages", "read ahead"),
]


def test_every_lock_of_a_device_is_held_once(tmp_path: Path) -> None:
    dev, runtime = made(tmp_path / "pages.img")
    with dev:
        assert set(runtime.made) - TAKEN_BEFORE - OF_THE_ENGINE == set(HELD)


@pytest.mark.parametrize("held", HELD)
def test_a_child_is_free_of_a_lock_that_another_thread_held(tmp_path: Path, held: str) -> None:
    dev, runtime = made(tmp_path / "pages.img")

    def in_child() -> bool:
        return running.advance() is PassProgress.DONE and dev.openers.count == 0 and is_sound(dev)

    with dev:
        running = dev.begin_writeback(pages=[1])
        with held_elsewhere(runtime.made[held]):
            assert in_a_child(in_child, measured=False), f"{held} is free in a child"
        while running.advance() is not PassProgress.DONE:
            running.wait()


def test_no_block_is_aside_in_a_child(tmp_path: Path) -> None:
    dev, _runtime = made(tmp_path / "pages.img")

    def in_child() -> bool:
        return dev._life.live().pages.blocks._aside == 0 and is_sound(dev)

    with dev:
        running = dev.begin_writeback(pages=[1])
        blocks = dev._life.live().pages.blocks
        block = blocks.reserve()
        assert block is not None
        blocks.set_aside(block)  # as after a write that failed
        assert in_a_child(in_child, measured=False)
        while running.advance() is not PassProgress.DONE:
            running.wait()
