"""Searching tests are not measured: coverage counts what the unit tests reach, and would slow these down the most."""

import pytest


@pytest.fixture(autouse=True)
def not_measured(unmeasured: None) -> None:
    """Pause the measurement for each test of this folder."""
