"""Stores that run beside the replay, of which only one runs at a time, so that every replay is the same.

A store in the background runs until it is over or waits for a suspended device; only then does the replay continue.
What waits without being in the background would have hung the guest for ever: it is recorded as `Hangs`.
"""

import threading
from collections.abc import Callable
from typing import Final

PATIENCE: Final = 20.0
"""Seconds after which a store that neither waits nor ends is given up."""


class Hangs(Exception):  # noqa: N818  (what it does)
    """The operation waits for something that only a later one could bring about."""


class Turns:
    """Turns of the replay and the stores in the background."""

    def __init__(self) -> None:
        # Guards the state of every store in the background; both sides wait here for each other.
        self.changed = threading.Condition()
        self._running: dict[int, Background] = {}

    def begin(self, run: Callable[[], int]) -> "Background":
        """Run something in the background until it waits or is over."""
        store = Background(self, run)
        store.start()
        return store

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait for `ready()`, which only the replay can make true; Hangs when it is the replay that waits."""
        if ready():
            return
        store = self._running.get(threading.get_ident())
        if store is None:
            raise Hangs
        with self.changed:
            while not ready():
                store.waits = True
                self.changed.notify_all()
                self.changed.wait()
            store.waits = False

    def proceed(self, change: Callable[[], None]) -> None:
        """Make a change, and run every store that it unblocks until the store waits again or is over."""
        with self.changed:
            waiting = [store for store in self._running.values() if store.waits]
            change()
            for store in waiting:
                store.waits = False
            self.changed.notify_all()
        for store in waiting:
            store.settle()

    def enter(self, store: "Background") -> None:
        """Note that the calling thread is a store's."""
        self._running[threading.get_ident()] = store

    def leave(self) -> None:
        """Note that the calling thread's store is over."""
        del self._running[threading.get_ident()]


class Background:
    """Something that runs in the background.

    Attributes:
        waits: It waits for a device.
        over: It has ended; `result` is what it returned, unless it raised `failure`.
    """

    def __init__(self, turns: Turns, run: Callable[[], int]) -> None:
        self._turns = turns
        self._run_it = run
        self.waits = False
        self.over = False
        self.result = 0
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="store in the background", daemon=True)

    def start(self) -> None:
        """Begin, and return once it waits or is over."""
        self._thread.start()
        self.settle()

    def settle(self) -> None:
        """Return once it waits or is over."""
        with self._turns.changed:
            settled = self._turns.changed.wait_for(lambda: self.waits or self.over, PATIENCE)
        if not settled:
            raise Hangs
        if self.over:
            self._thread.join()

    def _run(self) -> None:
        self._turns.enter(self)
        try:
            self.result = self._run_it()
        except BaseException as error:  # raised again by `join`
            self.failure = error
        finally:
            self._turns.leave()
            with self._turns.changed:
                self.over = True
                self._turns.changed.notify_all()
