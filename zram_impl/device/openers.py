"""Who has the device's node open: a reset needs it closed, and nobody may open it while a reset has it.

Kernel: disk_openers(), bd_prepare_to_claim(), the claim flag of reset_store().
"""

from collections.abc import Iterator
from contextlib import contextmanager
from errno import EBUSY

from zram_impl.errors import refuse
from zram_impl.runtime import Rank, Runtime


class Openers:
    """Counts opens and claims. Takes only its own lock, and never waits for anything but that."""

    def __init__(self, runtime: Runtime) -> None:
        # Guards the three below.
        self._lock = runtime.lock("openers", Rank.ENGINE)
        self._open = 0
        self._exclusive = False
        self._resetting = False

    @property
    def count(self) -> int:
        """How many opens there are."""
        return self._open

    @property
    def available(self) -> bool:
        """Whether it can be opened now: no reset is under way."""
        return not self._resetting

    def enter(self, *, exclusive: bool) -> None:
        """Note an open; EBUSY during a reset, or when the open is exclusive and another one is already."""
        with self._lock:
            if self._resetting:
                raise refuse(EBUSY, "the device cannot be opened: it is being reset")
            if exclusive and self._exclusive:
                raise refuse(EBUSY, "the device cannot be opened exclusively: somebody has")
            self._open += 1
            self._exclusive = self._exclusive or exclusive

    def leave(self, *, exclusive: bool) -> None:
        """Note that what was opened is closed."""
        with self._lock:
            assert self._open > 0, "what is closed was open"
            self._open -= 1
            if exclusive:
                self._exclusive = False

    @contextmanager
    def shut_out(self) -> Iterator[None]:
        """Keep everybody from opening; EBUSY when it is open, or when somebody else keeps everybody out."""
        with self._lock:
            if self._open or self._resetting:
                why = f"it is open {self._open} times" if self._open else "another reset is under way"
                raise refuse(EBUSY, f"the device cannot be reset: {why}")
            self._resetting = True
        try:
            yield
        finally:
            with self._lock:
                self._resetting = False
