"""An exception at the n-th point of a call at which CPython checks for signals.

A signal is made pending immediately before such a point, so that CPython itself delivers it there, the handler raises,
and what happens is what happens to users. Checked are, in CPython 3.11 and 3.12, the beginning of a function or
generator, a call of what is not written in Python, and a jump back; a point that delivers nothing delivers at the next.
"""

import ctypes
import dis
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from _typeshed import TraceFunction

SIGNAL: Final = signal.SIGUSR1
WATCHDOG_SECONDS: Final = 3.0

_CHECKING: Final = frozenset({"CALL", "CALL_KW", "CALL_FUNCTION_EX", "FORMAT_VALUE", "RESUME"})
# From 3.13 on a function's check comes before its first event, so whatever may call one counts too.
_CALLING: Final = frozenset(
    {
        "BEFORE_WITH", "BINARY_OP", "BINARY_SUBSCR", "CALL_INTRINSIC_1", "CALL_INTRINSIC_2", "COMPARE_OP",
        "CONTAINS_OP", "CONVERT_VALUE", "FORMAT_SIMPLE", "FOR_ITER", "GET_ITER", "LOAD_ATTR", "LOAD_SUPER_ATTR",
        "SEND", "STORE_ATTR", "STORE_SUBSCR", "TO_BOOL", "WITH_EXCEPT_START",
    }
)  # fmt: skip
_KINDS: Final = _CHECKING | _CALLING if sys.version_info >= (3, 13) else _CHECKING
_TOOL: Final = 4


class HungError(BaseException):
    """The call did not end: the watchdog's."""


class CallOutcome(NamedTuple):
    """The outcome of a call."""

    reached: int
    """Number of the points that there were."""
    landed: tuple[str, ...]
    """Place at which each exception was raised: file, function and line, innermost first."""
    raised: BaseException | None
    """The exception that the call raised."""


_set_interrupt = ctypes.pythonapi.PyErr_SetInterruptEx
_set_interrupt.argtypes, _set_interrupt.restype = [ctypes.c_int], ctypes.c_int
# A subscript, which makes the signal pending and checks for none itself: a call would, in every version.
_TRIP: Final = type("Trip", (), {"__getitem__": _set_interrupt})()

_offsets: Final[dict[CodeType, frozenset[int]]] = {}


def _checks(code: CodeType, offset: int) -> bool:
    """Return whether the instruction at `offset` checks for signals, or leads to a check."""
    found = _offsets.get(code)
    if found is None:
        found = _offsets[code] = frozenset(
            each.offset
            for each in dis.get_instructions(code)
            if each.opname in _KINDS or ("JUMP_BACKWARD" in each.opname and "NO_INTERRUPT" not in each.opname)
        )
    return offset in found


class _Counter:
    """Counts the points of the main thread and trips at those asked for, one after the other."""

    def __init__(self, at: Sequence[int], make: Callable[[], BaseException]) -> None:
        self._left = list(at)
        self._make = make
        self._count = 0
        self.over = False
        self.landed: list[str] = []
        self.reached = 0

    def point(self) -> bool:
        """Count a point; return whether the signal was made pending, after which nothing is counted for a while."""
        if self.over or not self._left:
            return False
        if self._count < self._left[0]:
            self._count += 1
            return False
        del self._left[0]
        self._count = 0
        self.reached += 1
        self.stop()
        _TRIP[SIGNAL]
        return True

    def handle(self, _number: int, frame: FrameType | None) -> None:
        """Handle the signal: count on if there is another point to come, and raise."""
        self.landed.append(" < ".join(_where(frame)))
        if self._left and not self.over:
            self.proceed(frame)
        raise self._make()

    def start(self) -> None:
        """Begin to count."""
        raise NotImplementedError

    def proceed(self, frame: FrameType | None) -> None:
        """Count again, in the frames that are there, too."""
        raise NotImplementedError

    def stop(self) -> None:
        """Count no more."""
        raise NotImplementedError


def _where(frame: FrameType | None) -> Iterator[str]:
    for _ in range(3):
        if frame is None or frame.f_code.co_filename == __file__:
            return
        yield f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno} {frame.f_code.co_name}"
        frame = frame.f_back


class _Tracing(_Counter):
    """By `sys.settrace`, which does not lose an instruction before 3.12."""

    def start(self) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        sys.settrace(self._called)

    def proceed(self, frame: FrameType | None) -> None:  # type: ignore[explicit-override]  # likewise
        while frame is not None and frame.f_code.co_filename != __file__:
            frame.f_trace, frame.f_trace_opcodes, frame.f_trace_lines = self._local, True, False
            frame = frame.f_back
        sys.settrace(self._called)

    def stop(self) -> None:  # type: ignore[explicit-override]  # likewise
        sys.settrace(None)

    def _called(self, frame: FrameType, _event: str, _arg: object) -> "TraceFunction | None":
        if frame.f_code.co_filename == __file__:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._local if not self.point() else None

    def _local(self, frame: FrameType, event: str, _arg: object) -> "TraceFunction | None":
        if event == "opcode" and _checks(frame.f_code, frame.f_lasti) and self.point():
            return None
        return self._local


class _Monitoring(_Counter):
    """By `sys.monitoring`."""

    def start(self) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        monitoring = getattr(sys, "monitoring")  # noqa: B009  (3.12; not to be known to a type checker of 3.11)
        events = monitoring.events
        if monitoring.get_tool(_TOOL) is None:
            monitoring.use_tool_id(_TOOL, "interrupts")
        self._main = threading.get_ident()
        monitoring.register_callback(_TOOL, events.INSTRUCTION, self._instruction)
        monitoring.register_callback(_TOOL, events.PY_START, self._begins)
        monitoring.register_callback(_TOOL, events.PY_RESUME, self._begins)
        monitoring.set_events(_TOOL, events.INSTRUCTION | events.PY_START | events.PY_RESUME)

    def proceed(self, frame: FrameType | None) -> None:  # type: ignore[explicit-override]  # likewise
        del frame
        self.start()

    def stop(self) -> None:  # type: ignore[explicit-override]  # likewise
        monitoring = getattr(sys, "monitoring")  # noqa: B009  (as above)
        monitoring.set_events(_TOOL, 0)
        for event in (monitoring.events.INSTRUCTION, monitoring.events.PY_START, monitoring.events.PY_RESUME):
            monitoring.register_callback(_TOOL, event, None)

    def _instruction(self, code: CodeType, offset: int) -> None:
        if code.co_filename != __file__ and threading.get_ident() == self._main and _checks(code, offset):
            self.point()

    def _begins(self, code: CodeType, _offset: int) -> None:
        if code.co_filename != __file__ and threading.get_ident() == self._main:
            self.point()


def _hung(_number: int, _frame: FrameType | None) -> None:
    raise HungError


def interrupted(call: Callable[[], object], at: Sequence[int], make: Callable[[], BaseException]) -> CallOutcome:
    """Do `call`; at its point `at[0]`, counted from 0, raise what `make` makes; at point `at[1]` after that, once more.

    For the main thread. A call that does not end is ended by HungError.
    """
    counter = (_Monitoring if hasattr(sys, "monitoring") else _Tracing)(at, make)
    raised: BaseException | None = None
    tracing = sys.gettrace()
    before = signal.signal(SIGNAL, counter.handle)
    watchdog = signal.signal(signal.SIGALRM, _hung)
    signal.setitimer(signal.ITIMER_REAL, WATCHDOG_SECONDS)
    try:
        try:
            counter.start()
            call()
        finally:
            counter.over = True  # not a call: what was tripped at the last point may be delivered at the next one
            _check()
    except BaseException as error:  # it is what we are here for
        raised = error
    counter.stop()
    signal.setitimer(signal.ITIMER_REAL, 0)
    sys.settrace(tracing)
    signal.signal(signal.SIGALRM, watchdog)
    signal.signal(SIGNAL, before)
    return CallOutcome(counter.reached, tuple(counter.landed), raised)


def _check() -> None:
    """Let a signal that is pending be delivered."""
    for _ in range(2):
        pass
