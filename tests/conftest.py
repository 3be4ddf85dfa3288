"""What every test run needs: asserts that bite, and one Hypothesis profile chosen on purpose."""

import os

import pytest
from hypothesis import settings

from tests.hanging import pytest_timeout_cancel_timer, pytest_timeout_set_timer

__all__ = ["pytest_configure", "pytest_timeout_cancel_timer", "pytest_timeout_set_timer"]

# Parents are named, because a profile without one inherits the profile in force, and under CI that is Hypothesis'
# own `ci`: derandomised and without a database, so a nightly run would try the same examples every night and keep none.
# No profile here is called `ci`: that would replace the one `pr` builds on.
settings.register_profile(
    "dev", settings.get_profile("default"), max_examples=50, stateful_step_count=30, deadline=None
)
settings.register_profile(
    "fuzz",
    settings.get_profile("default"),
    max_examples=500,
    stateful_step_count=200,
    deadline=None,
    print_blob=True,
)
settings.register_profile("pr", settings.get_profile("ci"))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("pr" if os.environ.get("CI") else "dev"))


def pytest_configure() -> None:
    if not __debug__:
        # The packages state their invariants as asserts; a run without them passes whatever they do.
        raise pytest.UsageError("asserts are switched off: run without -O and PYTHONOPTIMIZE")
