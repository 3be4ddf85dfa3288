"""Ctrl-C as a flag: looked at between steps, so that it never lands inside one."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from threading import Event
from types import FrameType
from typing import Final

REQUESTS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that ask a program to end: Ctrl-C, kill and timeout, a terminal that is closed."""

Handle = Callable[[int, FrameType | None], None]


@contextmanager
def requests_handled(handle: Handle) -> Iterator[None]:
    """Let `handle` answer every request to end, for as long as the context lasts; those that are ignored stay so."""
    with ExitStack() as undo:
        for number in REQUESTS:
            before = signal.getsignal(number)
            # Shells let the programs they run in the background ignore Ctrl-C, which is then sent on purpose.
            if before is not signal.SIG_IGN or number == signal.SIGINT:
                signal.signal(number, handle)
                undo.callback(signal.signal, number, signal.SIG_DFL if before is None else before)
        yield


class Stop:
    """True once it has to stop. `event` may be given to a writeback pass, which then stops as well."""

    def __init__(self) -> None:
        self.event: Event = Event()
        self.number: int = signal.SIGINT

    def check(self) -> None:
        """Raise KeyboardInterrupt once it was asked for; call it between steps of at most a few milliseconds."""
        if self.event.is_set():
            raise KeyboardInterrupt(self.number)

    @contextmanager
    def on_interrupt(self) -> Iterator[None]:
        """Set the flag at the first request to end; a second one does not wait for a step that hangs."""
        # Only `is_set` is ever asked of the event: waiting for it would hold a lock that the handler needs.
        in_main_thread = threading.current_thread() is threading.main_thread()  # elsewhere no signal arrives
        with requests_handled(self._interrupt) if in_main_thread else nullcontext():
            yield

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.event.is_set():
            signal.default_int_handler(number, frame)
        self.number = number
        self.event.set()
