"""Work that coverage does not measure: some tests, and what pytest and its workers do around each.

Its tracer takes a lock of its own in Python: an exception of a handler leaves it taken, and a forked child may find it
taken for good. A child begins to measure anew, too, and writes a file of its own.

pytest-cov's `no_cover` pauses one of the two measurements that a worker of pytest-xdist has.
"""

import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from posix import _exit as end_child  # `os._exit` is what coverage replaces
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from coverage import Coverage

if TYPE_CHECKING:
    from _typeshed import TraceFunction

__all__ = ["end_child", "nothing_measured", "unmeasured"]


class _Tracer:
    """The tracer of the main thread while it is out of place: None within a test that is not measured."""

    kept: "TraceFunction | None" = None

    @classmethod
    def keep(cls) -> None:
        """Take it from where it is."""
        cls.kept = sys.gettrace()
        sys.settrace(None)


def pytest_runtestloop() -> None:
    """Measure nothing from here on but what the wrappers below surround: the tracer takes a millisecond a test."""
    _Tracer.keep()


def _measured() -> Generator[None, object, object]:
    if sys.gettrace() is not None:  # a fixture that is asked for in the middle of a test
        return (yield)
    sys.settrace(_Tracer.kept)
    try:
        return (yield)
    finally:
        _Tracer.keep()


# The innermost wrappers there are.
pytest_fixture_setup = pytest.hookimpl(_measured, wrapper=True, trylast=True)
pytest_pyfunc_call = pytest.hookimpl(_measured, wrapper=True, trylast=True)
pytest_runtest_teardown = pytest.hookimpl(_measured, wrapper=True, trylast=True)


@contextmanager
def nothing_measured() -> Iterator[None]:
    """Measure neither this process nor its children while the context lasts."""
    here, in_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        with mock.patch.object(Coverage, "current", return_value=None):  # what a child begins anew
            yield
    finally:
        threading.settrace(in_threads)
        sys.settrace(here)


@pytest.fixture
def unmeasured() -> Iterator[None]:
    """Neither this test nor a copy of its process is measured."""
    with nothing_measured():
        yield
