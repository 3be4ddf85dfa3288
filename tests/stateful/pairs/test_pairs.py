"""Every pair of calls: all of them as `check` does it, those that went wrong once, those that are easily forgotten."""

import pytest

from stateful.guards.hooks import installed
from stateful.pairs import checks
from stateful.pairs.explore import NEVER, Explorer, Meeting, meet
from stateful.pairs.states import BY_NAME


def findings(state: str, first: str, second: str) -> list[str]:
    """Return the findings of two calls in a state, wherever they meet."""
    judge = checks.judge()
    with installed(judge):
        explorer = Explorer(BY_NAME[state], judge, every=True)
        explorer.pair(first, second)
    assert explorer.meetings > 2
    return explorer.findings


def silent(_text: str) -> None:
    """Report nothing."""


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
@pytest.mark.timeout(600)  # some thousand runs
def test_every_access_is_as_declared_and_every_pair_is_sound() -> None:
    judged = checks.guards(silent)
    assert (judged.good, judged.details) == (True, "")


@pytest.mark.parametrize(
    ("state", "first", "second"),
    [
        ("as the driver", "Zram.writeback", "Zram.recompress"),  # with pass_waits the second waits for the first
        ("as the driver", "store writeback", "Zram.writeback"),
        ("reading", "Zram.close", "Zram.read_page"),  # two reads under way at a close
        ("reading", "Node.open", "Zram.reset"),
        ("stored", "Node.open", "Zram.reset"),
        ("stored", "Node.open", "Node.open"),
        ("open", "NodeFile.close", "Node.open"),
        ("returning", "Zram.read_page", "the page returns"),  # to the same block, under a read
        ("stored", "Zram.reset", "Zram.reset"),
        ("hung", "Zram.reset", "Zram.close"),
        ("defective", "Zram.reset", "Zram.close"),
        ("passing", "Zram.writeback", "interrupt"),
        ("stored", "Zram.writeback", "interrupt"),
        ("aged", "Zram.mark_idle", "Zram.block_state"),
        # Pages and blocks were those before the reset, mem_limit was 0 already: it was read before the lock was taken.
        ("stored", "Zram.reset", "Zram.stats"),
        ("limited", "Zram.reset", "Zram.stats"),
        # ENODEV, which is for a device without a backing device: that and whether it is initialised were two looks.
        ("as the driver", "store reset", "store writeback"),
    ],
)
def test_a_pair_that_is_easily_forgotten_is_sound(state: str, first: str, second: str) -> None:
    found = findings(state, first, second)
    assert not found, "\n".join(found)


def test_a_meeting_is_played_again_the_same() -> None:
    judge = checks.judge()
    with installed(judge):
        runs = [meet(Meeting("passing", ("Zram.reset", "Zram.write_page"), 0, 4), judge).runtime for _ in range(2)]
    assert runs[0].trace == runs[1].trace
    assert len(runs[0].trace) > 50


def test_a_call_alone_is_a_meeting_with_nobody() -> None:
    judge = checks.judge()
    with installed(judge):
        world = meet(Meeting("backed", ("Zram.read_page", ""), 0, NEVER), judge, record=True)
    assert {access.what for access in world.accesses} >= {"SlotTable.entries[]", "BackingReads.bd_reads"}
    assert world.results.keys() == {1}
