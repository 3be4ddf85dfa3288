"""The shield by itself: its thread is played by the caller, so that each order of the two is there at will."""

import _thread
import ast
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.refused import raising
from zram_impl import shield
from zram_impl.shield import Interrupts, NoThreadError, held_back, raised_by_handler, shielded

PATIENCE = 20


class ExpectedError(Exception):
    """The exception of a handler."""


@pytest.fixture
def handler() -> Iterator[None]:
    before = signal.signal(signal.SIGUSR1, raising(ExpectedError))
    yield
    signal.signal(signal.SIGUSR1, before)


def seven(_interrupts: Interrupts) -> int:
    return 7


broken = raising(LookupError, "a bug")


def at_once(body: Callable[[], None]) -> None:
    """Have the call done before its caller waits."""
    over = threading.Event()

    def run() -> None:
        body()
        over.set()

    shield.start_thread(run)
    assert over.wait(PATIENCE)


def test_a_result_is_returned_and_a_failure_raised() -> None:
    assert shielded(at_once, seven) == 7
    with pytest.raises(LookupError, match="a bug"):
        shielded(at_once, broken)


def test_an_exception_before_the_thread_begins_prevents_the_call() -> None:
    kept: list[Callable[[], None]] = []

    def interrupted(body: Callable[[], None]) -> None:
        kept.append(body)
        raise KeyboardInterrupt

    ran: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        shielded(interrupted, lambda _: ran.append(1))
    at_once(kept[0])  # the thread comes too late
    assert ran == []


def test_an_exception_after_the_call_gives_its_result_back() -> None:
    lost: list[int] = []
    bodies: list[Callable[[], None]] = []

    def interrupted(body: Callable[[], None]) -> None:
        bodies.append(body)
        shield.start_thread(body)  # begins, and waits until the result is taken or lost
        while not bodies[0].__self__.finished:  # type: ignore[attr-defined]  # a bound method
            pass
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shielded(interrupted, seven, lost.append)
    while not lost:
        pass
    assert lost == [7]


class RaisingToken(dict[int, bool]):
    """A token at which a second exception arrives when the caller looks at it."""

    def pop(self, *_arguments: object) -> bool:  # type: ignore[explicit-override]  # typing: from 3.12 on
        raise KeyboardInterrupt


def test_a_second_exception_at_once_finds_the_call_cancelled() -> None:
    begun, lost = threading.Event(), list[bool]()

    def until_cancelled(interrupts: Interrupts) -> bool:
        begun.set()
        until = time.monotonic() + PATIENCE
        while not interrupts.cancelled and time.monotonic() < until:
            pass
        return interrupts.cancelled

    def interrupted(body: Callable[[], None]) -> None:
        shield.start_thread(body)
        assert begun.wait(PATIENCE)
        body.__self__.token = RaisingToken()  # type: ignore[attr-defined]  # a bound method
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shielded(interrupted, until_cancelled, lost.append)
    until = time.monotonic() + PATIENCE
    while not lost and time.monotonic() < until:
        pass
    assert lost == [True], "the call was not cancelled"


def test_an_exception_carries_what_the_call_raised() -> None:
    def interrupted(body: Callable[[], None]) -> None:
        at_once(body)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as raised:
        shielded(interrupted, broken)
    assert isinstance(raised.value.__cause__, LookupError)


def test_nothing_has_begun_when_no_thread_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_thread, "start_new_thread", raising(RuntimeError, "can't start new thread"))
    with pytest.raises(NoThreadError):
        shielded(shield.start_thread, broken)
    monkeypatch.setattr(_thread, "start_new_thread", raising(RuntimeError, "a handler's"))
    with pytest.raises(RuntimeError, match="a handler's"):
        shielded(shield.start_thread, broken)


@pytest.mark.usefixtures("handler")
def test_what_a_handler_raises_is_held_back_until_the_end() -> None:
    done: list[str] = []
    lost: list[int] = []

    def run(interrupts: Interrupts) -> int:
        signal.raise_signal(signal.SIGUSR1)
        done.append(f"{interrupts.cancelled} {interrupts.abandoned}")
        signal.raise_signal(signal.SIGUSR1)
        done.append(f"{interrupts.cancelled} {interrupts.abandoned}")
        return 7

    with pytest.raises(ExpectedError):
        held_back(run, lost.append)
    assert (done, lost) == (["True False", "True True"], [7])
    with pytest.raises(ExpectedError):
        signal.raise_signal(signal.SIGUSR1)  # the handler is in force again


def test_an_error_of_a_handler_is_known_by_its_frame() -> None:
    before = signal.signal(signal.SIGUSR1, raising(TimeoutError, 110, "an alarm"))
    try:
        with pytest.raises(TimeoutError) as raised:
            signal.raise_signal(signal.SIGUSR1)
        assert raised_by_handler(raised.value)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert raised_by_handler(TimeoutError("no errno"))
    assert not raised_by_handler(OSError(5, "a device's"))


def loops_in_tries(node: ast.AST, *, inside: bool = False) -> Iterator[int]:
    """Yield the lines of the loops with a condition that lie in a `try` or `with` of their own function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.While) and inside and not isinstance(child.test, ast.Constant):
            yield child.lineno
        scope = isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef)
        yield from loops_in_tries(child, inside=not scope and (inside or isinstance(child, ast.Try | ast.With)))


def test_no_loop_with_a_condition_lies_in_a_try() -> None:
    """On Python 3.13 an exception of a handler passed by the shield: the call ran on, and its result was nobody's.

    There the step back to the condition of a loop is in no `try` or `with`; in a function of its own the call is.
    """
    sources = sorted(Path(shield.__file__).parent.rglob("*.py"))
    found = [(path.name, line) for path in sources for line in loops_in_tries(ast.parse(path.read_bytes()))]
    assert len(sources) > 50
    assert found == []
