"""Mutants that are the device as it is, seen from outside; each with the reason."""

from collections.abc import Mapping
from typing import Final

EQUIVALENT: Final[Mapping[str, str]] = {
    "pages/page_io._look_again:4:1 self._lock held meanwhile": (
        "what it calls tells an observer, which is told of every other step under this lock as well"
    ),
    "table/access_times.begin:4:1 last statement after self._lock": (
        "it only notes when to look again; two threads may do that at once anyway, and either look is due"
    ),
}
"""Reason of each, by name. What is here is not tried."""
