"""Programs: what is done to a device, and which writes of its passes fail. Nothing is done while a pass runs."""

from typing import Final, NamedTuple, TypeAlias

from hypothesis import strategies as st

from stateful.seam.operations import (
    DiscardPages,
    MarkIdle,
    PageKind,
    ReadPage,
    RunPass,
    SetLimit,
    UserOperation,
    WritePage,
)

MODES: Final = ("huge", "idle", "huge_idle")
KINDS: Final[tuple[PageKind, ...]] = ("huge", "comp", "same")
OFTEN_HUGE: Final[tuple[PageKind, ...]] = ("huge", "huge", "comp")


class FailingWrites(NamedTuple):
    """From now on writes of these pages fail with EIO, others to these blocks with ENOSPC."""

    pages: frozenset[int]
    blocks: frozenset[int]


Step: TypeAlias = UserOperation | FailingWrites


class Program(NamedTuple):
    """Steps for one device.

    Attributes:
        pages: Of the device.
        blocks: Of its backing device.
        compressed: Blocks carry compressed objects.
        steps: What is done, one after the other.
    """

    pages: int
    blocks: int
    compressed: bool
    steps: tuple[Step, ...]


def _steps(pages: int, blocks: int) -> st.SearchStrategy[Step]:
    page, block = st.integers(0, pages - 1), st.integers(0, blocks - 1)
    passes = st.builds(RunPass, st.sampled_from(MODES), st.just(())) | st.builds(
        RunPass, st.none(), st.lists(page, min_size=1, max_size=2 * pages).map(tuple)
    )
    return st.one_of(
        st.builds(WritePage, page, st.sampled_from(KINDS)),
        st.builds(DiscardPages, page, st.integers(1, 3)),
        st.builds(ReadPage, page),
        st.builds(MarkIdle),
        st.builds(SetLimit, st.none() | st.integers(0, blocks + 2)),
        _faults(page, block, pages, blocks),
        passes,
    )


def _faults(
    page: st.SearchStrategy[int], block: st.SearchStrategy[int], pages: int, blocks: int, least: int = 0
) -> st.SearchStrategy[FailingWrites]:
    return st.builds(
        FailingWrites,
        st.frozensets(page, min_size=least, max_size=1 + pages // 3),
        st.frozensets(block, max_size=1 + blocks // 2),
    )


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Draw a program that begins with most pages written, some of whose writes fail, and a pass."""
    pages, blocks = draw(st.integers(2, 20)), draw(st.integers(1, 20))
    kinds = draw(st.lists(st.sampled_from(OFTEN_HUGE), min_size=pages, max_size=pages))
    first: list[Step] = [WritePage(page, kind) for page, kind in enumerate(kinds)]
    step, page, block = _steps(pages, blocks), st.integers(0, pages - 1), st.integers(0, blocks - 1)
    faults = draw(_faults(page, block, pages, blocks, least=1))
    between = draw(st.lists(step, max_size=4))
    after = draw(st.lists(step, max_size=12))
    everything = RunPass(None, tuple(range(pages)))
    return Program(pages, blocks, draw(st.booleans()), (*first, faults, *between, everything, *after))
