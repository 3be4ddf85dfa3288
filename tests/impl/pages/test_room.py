"""Writers that wait for memory: what they hear, and when they give up."""

import errno

import pytest

from tests.impl.doubles import Clock
from tests.impl.noted_waits import NotingRuntime
from tests.refused import refused
from zram_impl import ZramError
from zram_impl.pages.room import Room, RoomUse
from zram_impl.runtime import ThreadRuntime
from zram_impl.shield import Interrupts

NO_ROOM = ZramError(errno.ENOMEM, "no room")


class Attempts:
    """A write that is refused with one errno after the other, and then succeeds."""

    def __init__(self, *errnos: int) -> None:
        self.errnos = list(errnos)

    def __call__(self) -> None:
        if self.errnos:
            raise ZramError(self.errnos.pop(0), "refused")


def test_what_is_no_want_of_memory_is_raised_at_once() -> None:
    room, attempt = Room(ThreadRuntime(), 0.01), Attempts(errno.EIO)
    with refused(errno.EIO):
        room.retry(attempt, NO_ROOM, Interrupts())
    assert room.use._replace(waited_seconds=0) == RoomUse(waits=1, refused=1)


def test_a_writer_gives_up_when_its_patience_is_at_an_end() -> None:
    room = Room(ThreadRuntime(), 0.01)
    with refused(errno.ENOMEM, r"no room within 0\.01 s"):
        room.retry(Attempts(errno.ENOMEM), NO_ROOM, Interrupts())
    assert room.use._replace(waited_seconds=0) == RoomUse(waits=1, refused=1)


def test_a_last_attempt_after_the_patience_may_succeed() -> None:
    room = Room(ThreadRuntime(), 0.01)
    room.retry(Attempts(), NO_ROOM, Interrupts())
    assert (room.use.waiting, room.use.refused, room.use.waited_seconds > 0) == (0, 0, True)


def test_a_closed_room_says_that_its_keeper_was_stopped() -> None:
    room = Room(ThreadRuntime(), 20)
    room.close()
    with pytest.raises(ZramError, match="the keeper was stopped"):
        room.retry(Attempts(errno.ENOMEM), NO_ROOM, Interrupts())
    assert room.wait_for_writers(0) is None


def test_a_writer_asks_waits_and_leaves_in_one_hold_each() -> None:
    clock = Clock()
    room = Room(clock, 0.01)
    with clock.counting() as taken:
        room.retry(Attempts(), NO_ROOM, Interrupts())
    assert taken == {"room": 3}


def test_a_keeper_waits_for_writers_as_long_as_it_says() -> None:
    runtime = NotingRuntime()
    room = Room(runtime, 1)
    assert room.wait_for_writers(0) == 0
    assert runtime.waits["room"] == set(), "0 is not at all"
    assert room.wait_for_writers(0.02) == 0
    assert runtime.waits["room"] == {0.02}
