"""The exception for a device that does what the specification does not."""

from collections.abc import Iterable


class Divergence(AssertionError):  # noqa: N818  (it is a finding, not an error)
    """The device did what the specification does not do.

    Attributes:
        name: Of the property that is broken: one of the specification's, or one of `Lockstep`'s own.
        steps: What was done, as steps of the specification.
    """

    def __init__(self, name: str, sentence: str, steps: Iterable[str]) -> None:
        self.name = name
        self.steps = tuple(steps)
        super().__init__(f"{name}: {sentence}; after {len(self.steps)} steps: {' · '.join(self.steps)}")
