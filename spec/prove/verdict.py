"""The verdict of a prover on one condition."""

from typing import Final, NamedTuple

CONFIRMED: Final = "confirmed"
REFUTED: Final = "refuted"


class ProofVerdict(NamedTuple):
    """The answers of a prover: to a condition, and to its vacuity check.

    The vacuity check claims, under the same assumptions, that nothing can ever happen. Unless it is refuted, the
    condition is about no state at all, and confirming it shows nothing.
    """

    condition: str
    said: str
    """CONFIRMED, REFUTED, or else anything: not confirmed, out of time, no answer."""
    vacuity_said: str
    """REFUTED, or else anything."""
    seconds: float = 0.0
    witness: str = ""
    """A counterexample to the condition."""

    @property
    def good(self) -> bool:
        """Return whether the condition is proved of something."""
        return self.said == CONFIRMED and self.vacuity_said == REFUTED

    @property
    def problem(self) -> str:
        """Return the reasons why the condition is not proved, if it is not."""
        said = [f"{self.condition}: {self.said}", *[self.witness] * bool(self.witness)]
        vacuity = [
            f"{self.condition}: its vacuity check, which claims the impossible, is not refuted: {self.vacuity_said}"
        ]
        return "\n".join(said * (self.said != CONFIRMED) + vacuity * (self.vacuity_said != REFUTED))
