"""Tests that coverage does not measure.

Its tracer takes a lock of its own in Python: an exception of a handler leaves it taken, and a forked child may find it
taken for good. A child begins to measure anew, too, and writes a file of its own.

pytest-cov's `no_cover` pauses one of the two measurements that a worker of pytest-xdist has.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from posix import _exit as end_child  # `os._exit` is what coverage replaces
from unittest import mock

import pytest
from coverage import Coverage

__all__ = ["end_child", "nothing_measured", "unmeasured"]


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
