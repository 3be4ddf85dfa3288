"""Every mutant of the specification, which several tests look at: made once in a process."""

from typing import Final

from spec.mutate.mutants import every_mutant

EVERY: Final = every_mutant()
