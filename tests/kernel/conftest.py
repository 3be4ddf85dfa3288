"""As in `tests/stateful`: these test what asks and judges a kernel, which is not measured."""

from tests.stateful.conftest import not_measured

__all__ = ["not_measured"]
