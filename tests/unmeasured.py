"""Children that coverage does not measure: it would begin anew in each, and write a file for each."""

from collections.abc import Iterator
from contextlib import contextmanager
from posix import _exit as end_child  # `os._exit` is what coverage replaces
from unittest import mock

from coverage import Coverage

__all__ = ["children_unmeasured", "end_child"]


@contextmanager
def children_unmeasured() -> Iterator[None]:
    """Hide the measurement under way from the copies of this process."""
    with mock.patch.object(Coverage, "current", return_value=None):
        yield
