"""What a prover said about one condition."""

from typing import Final, NamedTuple

CONFIRMED: Final = "confirmed"
REFUTED: Final = "refuted"


class Verdict(NamedTuple):
    """What a prover said, about a condition and about its twin.

    The twin claims that nothing can ever happen, under the same assumptions. Unless it is refuted, the condition
    holds of nothing, and being confirmed says nothing.
    """

    condition: str
    said: str
    """CONFIRMED, REFUTED, or else anything: not confirmed, out of time, no answer."""
    twin_said: str
    """REFUTED, or else anything."""
    seconds: float = 0.0
    witness: str = ""
    """What refutes the condition."""

    @property
    def good(self) -> bool:
        """Return whether the condition is proved of something."""
        return self.said == CONFIRMED and self.twin_said == REFUTED

    @property
    def problem(self) -> str:
        """Return what is wrong, if anything."""
        said = [f"{self.condition}: {self.said}", *[self.witness] * bool(self.witness)]
        twin = [f"{self.condition}: its twin, which claims the impossible, is not refuted: {self.twin_said}"]
        return "\n".join(said * (self.said != CONFIRMED) + twin * (self.twin_said != REFUTED))
