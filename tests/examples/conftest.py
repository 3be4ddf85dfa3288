"""As in `tests/stateful`: what searches is not measured."""

from tests.stateful.conftest import not_measured

__all__ = ["not_measured"]
