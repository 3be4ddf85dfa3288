"""Ctrl-C as a flag: looked at between steps, so that it never lands inside one."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType


class Stop:
    """Whether to stop. `event` may be given to a writeback pass, which then stops as well."""

    def __init__(self) -> None:
        self.event = Event()

    def check(self) -> None:
        """Raise KeyboardInterrupt once it was asked for; call it between steps of at most a few milliseconds."""
        if self.event.is_set():
            raise KeyboardInterrupt

    @contextmanager
    def on_interrupt(self) -> Iterator[None]:
        """Set the flag at the first Ctrl-C; a second one does not wait for a step that hangs."""
        # Only `is_set` is ever asked of the event: waiting for it would hold a lock that the handler needs.
        try:
            before = signal.signal(signal.SIGINT, self._interrupt)
        except ValueError:  # not the main thread: signals go elsewhere
            yield
            return
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.event.is_set():
            signal.default_int_handler(number, frame)
        self.event.set()
