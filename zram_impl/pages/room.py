"""The place where writers wait for memory that a keeper is about to free, instead of failing at once.

A writer whose page does not fit asks, and tries again after each round of the keeper that began later. It gives up when
such a round freed nothing because nothing can be freed, when its patience is at an end, or when the room is closed.
"""

from collections.abc import Callable
from errno import ENOMEM
from typing import NamedTuple

from zram_impl.errors import ZramError
from zram_impl.runtime import Rank, Runtime
from zram_impl.shield import PATIENCE, Interrupts


class RoomUse(NamedTuple):
    """Writers that did not find room at once.

    Attributes:
        waiting: Those that wait at this moment.
        waits: Times that one has waited.
        waited_seconds: For how long, together, those have waited that got room.
        refused: Times that one waited and got ENOMEM after all.
    """

    waiting: int = 0
    waits: int = 0
    waited_seconds: float = 0.0
    refused: int = 0


class Room:
    """Writers on one side, one keeper on the other."""

    def __init__(self, runtime: Runtime, patience: float) -> None:
        """Let each write wait for `patience` seconds at most."""
        # Guards the fields below; writers wait here for the end of a round, the keeper for something to do.
        # Race between a writer and a round: the round serves those whose number was there when it began, because only
        # they failed before it freed anything. One that asks later waits for the next.
        self._turn = runtime.condition("room", Rank.ENGINE)
        self._now = runtime.now
        self._patience = patience
        self._asked = 0
        """Times that a writer asked."""
        self._served = 0
        """Number of these that a round came after."""
        self._obstacle: str | None = None
        """Reason why the last round could free nothing, None if it freed something or may do so yet."""
        self._closed = False
        self._use = RoomUse()

    # --- writers ---------------------------------------------------------------------------------------------------

    def retry(self, attempt: Callable[[], None], error: ZramError, interrupts: Interrupts) -> None:
        """Attempt again, after each round, what `error` refused for want of memory; not for the main thread.

        Raises:
            ZramError: ENOMEM if it did not fit in time; or what else `attempt` raised.
        """
        left, began, refused = self._patience, self._now(), True
        waits = 1
        try:
            while True:
                left, obstacle = self._await_round(self._ask(waits), left, interrupts)
                waits = 0
                try:
                    attempt()
                except ZramError as again:
                    if again.errno != ENOMEM:
                        raise
                    error = again
                else:
                    refused = False
                    return
                left = min(left, began + self._patience - self._now())
                if obstacle is None and left <= 0:
                    obstacle = f"no room within {self._patience:g} s"
                if obstacle is not None:
                    raise ZramError(ENOMEM, f"{error.strerror}; {obstacle}") from error
        finally:
            self._leave(self._now() - began, refused=refused)

    def _ask(self, waits: int) -> int:
        """Ask for a round; return the number of the question. `waits` is 1 for the first of a write."""
        with self._turn:
            self._asked += 1
            use = self._use
            self._use = use._replace(waiting=use.waiting + waits, waits=use.waits + waits)
            self._turn.notify_all()
            return self._asked

    def _await_round(self, asked: int, left: float, interrupts: Interrupts) -> tuple[float, str | None]:
        """Wait for a round that begins from now on; return the seconds left, and what is in the way of more room."""
        while True:
            over, obstacle = self._wait_a_while(asked, min(PATIENCE, left))
            if over:
                return left, obstacle
            # Counted, not looked up: a clock that stands still, as in tests, must not make this endless.
            left -= PATIENCE
            if left <= 0:
                return 0.0, None
            if interrupts.cancelled:
                return left, "the wait was interrupted"

    def _wait_a_while(self, asked: int, seconds: float) -> tuple[bool, str | None]:
        with self._turn:
            over = self._turn.wait_for(lambda: self._closed or self._served >= asked, seconds)
            return over, "the keeper was stopped" if self._closed else self._obstacle

    def _leave(self, seconds: float, *, refused: bool) -> None:
        with self._turn:
            use = self._use
            self._use = RoomUse(
                use.waiting - 1, use.waits, use.waited_seconds + seconds * (not refused), use.refused + refused
            )

    # --- the keeper ------------------------------------------------------------------------------------------------

    def wait_for_writers(self, seconds: float) -> int | None:
        """Wait until a writer asks, for `seconds` at most, 0: not at all; return how often any has asked.

        None once it is closed.
        """
        with self._turn:
            if seconds:
                self._turn.wait_for(lambda: self._closed or self._asked > self._served, seconds)
            return None if self._closed else self._asked

    def round_ended(self, asked: int, obstacle: str | None) -> None:
        """Wake the writers that had asked when the round began; `obstacle` says why it can free nothing."""
        with self._turn:
            self._served, self._obstacle = asked, obstacle
            self._turn.notify_all()

    def close(self) -> None:
        """Let nobody wait any more. Any lock of a lower rank may be held."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()

    @property
    def use(self) -> RoomUse:
        """The writers that waited, or wait."""
        return self._use
