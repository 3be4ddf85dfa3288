"""A thread that runs only while it is stepped, as far as to its next stop; nobody else runs in the meantime."""

import queue
import threading
from collections.abc import Callable
from typing import Final

STEP_SECONDS: Final = 10.0
"""Seconds that anybody waits for the other side before the run is called stuck."""


class SteppedThread:
    """A thread, one step at a time.

    Attributes:
        at: The name of the stop where it waits; None before its first step and once it is over.
        over: Whether it has ended.
    """

    def __init__(self, run: Callable[[], None], name: str) -> None:
        self.at: str | None = None
        self.over = False
        self._run = run
        self._may_stop = True
        self._begun = False
        self._go: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._arrived: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._body, name=name, daemon=True)

    def step(self) -> None:
        """Let it run to its next stop, or to its end."""
        if not self._begun:
            self._begun = True  # first: an exception of a signal may end the start of a thread that runs
            self._thread.start()
        else:
            self._go.put(None)
        self.at = self._arrived.get(timeout=STEP_SECONDS)
        if self.at is None:
            self._thread.join(STEP_SECONDS)
            self.over = True

    def run_out(self) -> None:
        """Let it run to its end, past all stops."""
        self._may_stop = False
        while not self.over:
            self.step()

    @property
    def is_current(self) -> bool:
        """Return whether it is this thread that asks."""
        return self._thread.ident == threading.get_ident()

    def stop(self, where: str) -> bool:
        """Wait for the next step (called by the thread itself); return False if it is to run to its end."""
        if self._may_stop:
            self._arrived.put(where)
            self._go.get(timeout=STEP_SECONDS)
        return self._may_stop

    # --- as a task of a device ---------------------------------------------------------------------------------------

    def join(self, _timeout: float | None = None) -> None:
        """Wait until it has ended: who waits lets it run."""
        self.run_out()

    def is_alive(self) -> bool:
        """Return whether it has not ended."""
        return not self.over

    def _body(self) -> None:
        try:
            self._run()
        finally:
            self._arrived.put(None)
