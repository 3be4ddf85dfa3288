"""The proof for every size, which several tests look at: made once in a process, because it takes seconds."""

from functools import cache

from spec.prove.unbounded.command import prove_all_sizes
from spec.prove.unbounded.solve import ProofAnswer
from tests.unmeasured import nothing_measured


@cache
def everything() -> list[ProofAnswer]:
    """The answers reported while everything is proved."""
    reported: list[ProofAnswer] = []
    with nothing_measured():  # the same lines, a thousand times
        assert prove_all_sizes(reported.append) == reported
    return reported
