"""Report of a test that hangs: its name, where every thread is, and which lock or condition it waits for.

An exception alone is not enough: a call on a shield delays the first one until its work is over, and a thread that
waits for a lock receives no exception. So the report is written first, then the test fails repeatedly until it ends; if
it does not end, the process does.
"""

import linecache
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Final, Protocol

import pytest

AGAIN_SECONDS: Final = 2.0
"""Seconds between two failures of a test that still hangs."""
TIMES: Final = 5
"""Failures before the process ends."""

_ROOT: Final = Path(__file__).resolve().parents[1]
_OURS: Final = tuple(str(_ROOT / name) + os.sep for name in ("zram_impl", "stateful", "spec", "tests"))
_WAITS: Final = re.compile(
    r"with (?P<held>[\w.]+):|(?P<waited>[\w.]+)\.(?:wait_for|acquire|wait|join|result)\(|(?P<called>[\w.]+)\.get\("
)


class _Settings(Protocol):
    """The settings of pytest-timeout that are used here."""

    @property
    def timeout(self) -> float: ...


def threads() -> Iterator[str]:
    """Yield a line for each thread: its name, its innermost frame in the project, and what it waits for there."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for number, innermost in sys._current_frames().items():
        frame: FrameType | None = innermost
        while frame is not None and (not _is_ours(frame)):
            frame = frame.f_back
        name = names.get(number, f"thread {number}")
        yield f"{name}: {_place(frame)}" if frame is not None else f"{name}: outside of the project"


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_OURS) and frame.f_code.co_filename != __file__


def _place(frame: FrameType) -> str:
    file, line = frame.f_code.co_filename, linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    found = _WAITS.search(line)
    what = next(filter(None, found.groups()), "") if found else ""
    waits = f" waits for {what}" if what else ""
    return f"{os.path.relpath(file, _ROOT)}:{frame.f_lineno} {frame.f_code.co_qualname}{waits}: {line}"


def report(test: str, seconds: float) -> str:
    """Return the report as text."""
    return "\n    ".join([f"{test} hangs: not over after {seconds:g} s", *threads()])


@pytest.hookimpl
def pytest_timeout_set_timer(item: pytest.Item, settings: _Settings) -> bool:
    """Make a test that takes too long report what it waits for."""
    times = 0

    def alarm(_number: int, _frame: FrameType | None) -> None:
        nonlocal times
        times += 1
        said = report(item.nodeid, settings.timeout)
        if times == 1 or times > TIMES:
            capture = item.config.pluginmanager.getplugin("capturemanager")
            if capture is not None:
                capture.suspend_global_capture(in_=True)
            os.write(2, f"\n{said}\n".encode())
            if times > TIMES:
                os._exit(1)
            if capture is not None:
                capture.resume_global_capture()
        pytest.fail(said, pytrace=False)

    signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, settings.timeout, AGAIN_SECONDS)
    return True


@pytest.hookimpl
def pytest_timeout_cancel_timer() -> bool:
    """Stop the timer of a test that has ended."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    return True
