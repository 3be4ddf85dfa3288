"""Real signals, at whatever time they come: SIGALRM from a timer, SIGINT from another thread.

`search` raises at every point there is; this finds out whether those are all of them.
"""

import os
import random
import signal
import threading
import time
import warnings
from types import FrameType
from typing import Final, NamedTuple

from stateful.interrupts.calls import CALLS
from stateful.interrupts.points import WATCHDOG_SECONDS, HungError
from stateful.interrupts.search import EXCEPTIONS
from stateful.interrupts.soundness import Before, problems
from stateful.interrupts.worlds import Maker, making

_REPEATS: Final = 40
"""Number of times that a short call is made, so that a signal lands in one."""
_LONGEST: Final = 0.003
"""Seconds after which the signal is sent, at most."""


class Stormed(NamedTuple):
    """The result of a storm."""

    rounds: int
    landed: int
    """Rounds in which the exception was raised during a call."""
    found: tuple[str, ...]


class _Sender:
    """Sends one signal after a while, and then a watchdog's; any other Ctrl-C is the user's."""

    def __init__(self, number: int, after: float, kind: type[BaseException]) -> None:
        self._number, self._after, self._kind = number, after, kind
        self.sent = self.raised = False

    def send(self) -> None:
        """Begin to wait."""
        signal.signal(signal.SIGALRM, self._handle)
        if self._number == signal.SIGINT:
            signal.signal(signal.SIGINT, self._handle)
            threading.Thread(target=self._interrupt, daemon=True, name="sends SIGINT").start()
            signal.setitimer(signal.ITIMER_REAL, WATCHDOG_SECONDS)
        else:
            self.sent = True
            signal.setitimer(signal.ITIMER_REAL, self._after, WATCHDOG_SECONDS)

    def _interrupt(self) -> None:
        time.sleep(self._after)
        self.sent = True
        os.kill(os.getpid(), signal.SIGINT)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if number != self._number or not self.sent or self.raised:
            raise HungError if number == signal.SIGALRM else KeyboardInterrupt
        self.raised = True
        raise self._kind

    def wait(self) -> None:
        """Wait until the signal has been delivered, here at the latest."""
        while not self.raised:
            time.sleep(0.0001)


def storm(seed: int, seconds: float) -> Stormed:
    """Interrupt calls that are drawn, for a while; for the main thread."""
    chance, until = random.Random(seed), time.monotonic() + seconds
    rounds = landed = 0
    found: list[str] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGINT)}
    with making() as make:
        while time.monotonic() < until:
            name = chance.choice(list(CALLS))
            hit, wrong = _round(name, chance, make)
            rounds, landed = rounds + 1, landed + hit
            found += [f"{name}: {problem}" for problem in wrong]
            for number, handler in before.items():
                signal.signal(number, handler)
    return Stormed(rounds, landed, tuple(found))


def _round(name: str, chance: random.Random, make: Maker) -> tuple[bool, list[str]]:
    call, threads = CALLS[name], Before()
    kind = EXCEPTIONS[chance.choice(list(EXCEPTIONS))]
    sender = _Sender(chance.choice((signal.SIGALRM, signal.SIGINT)), chance.uniform(2e-5, _LONGEST), kind)
    it = make.make(call.kind)
    hit, wrong = False, list[str]()
    try:
        sender.send()
        # A second value of a mapping lies on other pages than the first.
        for _ in range(1 if call.writes is None or call.kind == "mapped" else _REPEATS):
            call.run(it)
        sender.wait()
    except kind:
        hit = sender.raised
    except HungError:
        wrong.append("the call hangs")
    except OSError as error:  # the first call has changed what the second needs
        if error.errno is None:
            raise
        while not sender.raised:
            _deliver(sender, kind)
    signal.setitimer(signal.ITIMER_REAL, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        wrong += problems(it, call)
        del it
    wrong += threads.left()
    return hit, wrong


def _deliver(sender: _Sender, kind: type[BaseException]) -> None:
    try:
        sender.wait()
    except kind:
        return
