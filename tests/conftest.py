"""Assertions that are on, and one Hypothesis profile chosen on purpose, for every test run."""

import gc
import os
import signal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hanging import pytest_timeout_cancel_timer, pytest_timeout_set_timer
from tests.unmeasured import (
    pytest_fixture_setup,
    pytest_pyfunc_call,
    pytest_runtest_teardown,
    pytest_runtestloop,
    unmeasured,
)

__all__ = [
    "pytest_configure",
    "pytest_fixture_setup",
    "pytest_pyfunc_call",
    "pytest_runtest_teardown",
    "pytest_runtestloop",
    "pytest_timeout_cancel_timer",
    "pytest_timeout_set_timer",
    "unmeasured",
]

HERE = Path(__file__).resolve().parent

# Parents are named, because a profile without one inherits the profile in force, and under CI that is Hypothesis'
# own `ci`: derandomised and without a database, so every nightly run would try the same examples and save nothing.
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


# `readline`, which pytest imports, puts the size of no terminal at all into the environment of this process and of its
# workers: commands print into as many columns as there are.
os.environ.pop("COLUMNS", None)
os.unsetenv("COLUMNS")


# Ignored where a shell started this in the background or under nohup; tests and their programs are interrupted.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests of the whole, of which some take ten seconds: as the last one, it would be waited for."""
    items.sort(key=lambda item: item.path.parent != HERE)


@given(st.none())
def _draw(_nothing: None) -> None:
    """Let Hypothesis make its own source of chance: it looks for who holds it, and finds nobody that is frozen."""


def pytest_collection_finish() -> None:
    """Spare the collector of garbage the tests themselves: some collect at every point, and these do not go away."""
    _draw()
    gc.collect()
    gc.freeze()


def pytest_configure() -> None:
    if not __debug__:
        # The packages state their invariants as asserts, so without them every test passes.
        raise pytest.UsageError("assertions must be on: run without -O and PYTHONOPTIMIZE")
